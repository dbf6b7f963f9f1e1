import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  matchesAt,
  readI32,
  readU16,
  readU32,
  readU8,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
  writeU16,
  writeU32,
} from './bytes.ts'

const bytes = fc.uint8Array({ maxLength: 64 })

test('reads and writes numbers as DataView does', () => {
  fc.assert(
    fc.property(fc.nat(10), fc.nat(0xffff), fc.nat(0xffffffff), (at, u16, u32) => {
      const memory = new Uint8Array(16)
      const view = new DataView(memory.buffer)
      writeU16(memory, at, u16)
      expect(view.getUint16(at)).toBe(u16)
      expect(readU16(memory, at)).toBe(u16)
      expect(readU8(memory, at)).toBe(u16 >>> 8)
      writeU32(memory, at, u32)
      expect(view.getUint32(at)).toBe(u32)
      expect(readU32(memory, at)).toBe(u32)
      expect(readI32(memory, at)).toBe(u32 | 0)
      writeU32(memory, at, u32 | 0)
      expect(readU32(memory, at)).toBe(u32)
    }),
  )
})

test('writes only the bytes of the number', () => {
  const memory = new Uint8Array(8).fill(0xaa)
  writeU16(memory, 1, 0x12345678)
  writeU32(memory, 3, 0x9abcdef0)
  expect(toHex(memory)).toBe('aa56789abcdef0aa')
})

test('reads zero bits beyond the end', () => {
  expect(readU32(Uint8Array.of(1, 2, 3), 1)).toBe(0x02030000)
  expect(readU16(new Uint8Array(0), 0)).toBe(0)
})

test('compares bytes by value and length', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(equalBytes(a, a.slice())).toBe(true)
      expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b))
      expect(matchesAt(concatBytes(a, b), a.length, b)).toBe(true)
    }),
  )
})

test('finds no match where the memory ends first or one bit differs', () => {
  const cookie = Uint8Array.of(1, 2, 3)
  expect(matchesAt(Uint8Array.of(0, 1, 2, 3), 1, cookie)).toBe(true)
  expect(matchesAt(Uint8Array.of(0, 1, 2, 3), 2, cookie)).toBe(false)
  expect(matchesAt(Uint8Array.of(0, 1, 2, 0x83), 1, cookie)).toBe(false)
  expect(equalBytes(Uint8Array.of(0, 0), Uint8Array.of(0))).toBe(false)
})

test('joins parts in order', () => {
  expect(toHex(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)))).toBe('010203')
  expect(concatBytes()).toEqual(new Uint8Array(0))
})

test('agrees with Buffer on hex and base64 of any bytes', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      const buffer = Buffer.from(value)
      expect(toHex(value)).toBe(buffer.toString('hex'))
      expect(toBase64(value)).toBe(buffer.toString('base64'))
      expect(toBase64Url(value)).toBe(buffer.toString('base64url'))
      expect(fromHex(toHex(value).toUpperCase())).toEqual(value)
      expect(fromBase64(toBase64(value))).toEqual(value)
      expect(fromBase64Url(toBase64Url(value))).toEqual(value)
    }),
  )
})

test.each(['0', 'abc', '0g', ' 0', '0x10', '+1', 'ａａ'])('refuses %j as hex', (text) => {
  expect(fromHex(text)).toBeUndefined()
})

test.each([
  ['A', 'one character is no byte'],
  ['AA', 'padding is missing'],
  ['AA=', 'padding is short'],
  ['AAA==', 'padding is long'],
  ['AAAA=', 'padding of a whole group'],
  ['=', 'padding of nothing'],
  ['AB==', 'left-over bits are not zero'],
  ['AAB=', 'left-over bits are not zero'],
  ['AA-_', 'the other alphabet'],
  ['AA A', 'a space'],
])('refuses %j as base64: %s', (text) => {
  expect(fromBase64(text)).toBeUndefined()
})

test.each(['A', 'AA==', 'AB', 'AAB', 'AA+/', 'AAAAA'])('refuses %j as base64url', (text) => {
  expect(fromBase64Url(text)).toBeUndefined()
})

test('reads a text as bytes at most one way: any text that is read is written back unchanged', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('A', 'B', 'Q', 'w', 'g', '/', '_', '+', '-', '=') }),
      (text) => {
        const standard = fromBase64(text)
        if (standard !== undefined) expect(toBase64(standard)).toBe(text)
        const url = fromBase64Url(text)
        if (url !== undefined) expect(toBase64Url(url)).toBe(text)
      },
    ),
  )
})

test('carries any text through UTF-8, a byte order mark included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(fromUtf8(utf8(text))).toBe(text)
    }),
  )
  expect(fromUtf8(utf8('\ufeffa'))).toBe('\ufeffa')
})

test.each(['80', 'c0af', 'eda080', 'f4908080', 'e282'])('refuses %s as UTF-8', (hex) => {
  expect(fromUtf8(fromHex(hex)!)).toBeUndefined()
})
