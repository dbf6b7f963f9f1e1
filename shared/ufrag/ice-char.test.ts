import { expect, test } from 'vitest'
import { iceCharOf, sextetOf } from './ice-char.ts'

test('gives every character code that RFC 8839 allows six bits of its own, and no other', () => {
  for (let code = 0; code < 256; code++) {
    const sextet = sextetOf(code)
    expect(sextet >= 0).toBe(/[A-Za-z0-9+/]/.test(String.fromCharCode(code)))
    if (sextet >= 0) expect(iceCharOf(sextet)).toBe(code)
  }
})

test('orders the characters as base64 does', () => {
  const bytes = Buffer.from(Array.from({ length: 64 }, (_, sextet) => iceCharOf(sextet)))
  expect(Buffer.from(bytes.toString(), 'base64').toString('base64')).toBe(bytes.toString())
  expect([sextetOf(0x41), sextetOf(0x61), sextetOf(0x30), sextetOf(0x2b), sextetOf(0x2f)]).toEqual([
    0, 26, 52, 62, 63,
  ])
})

test('calls no code beyond a byte an ice-char', () => {
  expect(sextetOf(0x141)).toBe(-1)
  expect(sextetOf(-1)).toBe(-1)
})
