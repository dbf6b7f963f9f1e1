import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, utf8 } from '#shared/bytes'
import { aesBlockCipher } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import vectors from '../../tests/vectors/routing-ufrag.json' with { type: 'json' }
import {
  callIdOf,
  MAX_LIFE_MINUTES,
  minutesOf,
  mintUfrag,
  parseUfrag,
  RouteKeyRing,
  RouteReader,
  UFRAG_LENGTH,
  ufragOf,
} from './route.ts'
import type { Route, RouteKey } from './route.ts'

const keys: RouteKey[] = Object.entries(vectors.keys).map(([id, hex]) => ({
  id: Number(id),
  cipher: aesBlockCipher(fromHex(hex)!),
}))
const ring = new RouteKeyRing(keys, 0)

const route: fc.Arbitrary<Route> = fc.record({
  cluster: fc.nat(0xfff),
  transceiver: fc.nat(0xfffff),
  session: fc.nat(0xffffffff),
  expiryMinutes: fc.nat(0xffff),
  flags: fc.nat(0xff),
})

test.each(vectors.vectors)('mints and parses the frozen vector $ufrag', (vector) => {
  expect(mintUfrag(vector.route, new RouteKeyRing(keys, vector.keyId))).toBe(vector.ufrag)
  expect(parseUfrag(vector.ufrag, ring, vector.route.expiryMinutes)).toEqual(vector.route)
  expect(callIdOf(vector.ufrag)).toBe(vector.callId)
  expect(ufragOf(vector.callId)).toBe(vector.ufrag)
})

test.each(vectors.refused)('refuses $ufrag: $fault', ({ ufrag, fault }) => {
  expect(parseUfrag(ufrag, ring, vectors.refusedAtMinutes)).toBe(fault)
})

test('quotes every frozen vector in docs/routing-ufrag.md', () => {
  const page = readFileSync(new URL('../../docs/routing-ufrag.md', import.meta.url), 'utf8')
  const quoted = [
    ...Object.values(vectors.keys),
    ...vectors.vectors.flatMap(({ plainBlock, ufrag }) => [plainBlock, ufrag]),
    ...vectors.refused.map(({ ufrag }) => ufrag),
  ]
  expect(quoted.filter((text) => !page.includes(`\`${text}\``))).toEqual([])
})

test.each(vectors.minutes)(
  'counts epoch second $epochSeconds as minute $minutes',
  ({ epochSeconds, minutes }) => {
    expect(minutesOf(epochSecondsOf(epochSeconds))).toBe(minutes)
  },
)

test('reads back every route that it mints, in 22 ice-chars', () => {
  const reader = new RouteReader(ring)
  fc.assert(
    fc.property(route, fc.nat(30), (value, start) => {
      const ufrag = mintUfrag(value, ring)
      expect(ufrag).toMatch(/^[A-Za-z0-9+/]{22}$/)
      expect(parseUfrag(ufrag, ring, value.expiryMinutes)).toEqual(value)
      const memory = utf8(`${'x'.repeat(start)}${ufrag}:client`)
      expect(reader.read(memory, start, UFRAG_LENGTH, value.expiryMinutes)).toBeUndefined()
      expect(reader).toMatchObject(value)
    }),
  )
})

test('refuses a ufrag with any bit flipped', () => {
  const value = { cluster: 1, transceiver: 2, session: 3, expiryMinutes: 4, flags: 5 }
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const ufrag = mintUfrag(value, ring)
  for (let bit = 0; bit < UFRAG_LENGTH * 6; bit++) {
    const at = Math.floor(bit / 6)
    const flipped = alphabet.charAt(alphabet.indexOf(ufrag.charAt(at)) ^ (1 << (bit % 6)))
    const forged = ufrag.slice(0, at) + flipped + ufrag.slice(at + 1)
    expect(parseUfrag(forged, ring, 4), `bit ${bit}`).toMatch(/^ufrag-(forged|unknown-key)$/)
  }
})

test('refuses any random ufrag, and never throws on any bytes', () => {
  const reader = new RouteReader(ring)
  const iceChars = fc.string({
    unit: fc.constantFrom('A', 'M', 'Z', 'a', 'm', 'z', '0', '9', '+', '/'),
    minLength: 22,
    maxLength: 22,
  })
  fc.assert(
    fc.property(iceChars, fc.nat(0xffff), (text, now) => {
      expect(parseUfrag(text, ring, now)).toMatch(/^ufrag-(forged|unknown-key|not-ours)$/)
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), fc.nat(40), (memory, start, length) => {
      expect(reader.read(memory, start, length, 0)).toMatch(/^ufrag-/)
    }),
  )
})

test('refuses characters that only UTF-8 makes 22 bytes of', () => {
  expect(parseUfrag('ä'.repeat(11), ring, 0)).toBe('ufrag-length')
  expect(parseUfrag('ä'.repeat(22), ring, 0)).toBe('ufrag-alphabet')
})

test.each([
  [100, 0],
  [100, 99],
  [100, 100],
  [100, 0x10000 - (MAX_LIFE_MINUTES - 100)],
  [0, 0xffff],
  [0xffff, 0xffff],
  [10, 0x10000 - 10],
])('is valid until minute %i at minute %i', (expiryMinutes, now) => {
  const value = { cluster: 1, transceiver: 2, session: 3, expiryMinutes, flags: 0 }
  expect(parseUfrag(mintUfrag(value, ring), ring, now)).toEqual(value)
})

test.each([
  [100, 101],
  [100, 100 + 0x8000],
  [0xffff, 0],
  [0, 1],
  [5, 0x8005],
])('has expired after minute %i at minute %i', (expiryMinutes, now) => {
  const value = { cluster: 1, transceiver: 2, session: 3, expiryMinutes, flags: 0 }
  expect(parseUfrag(mintUfrag(value, ring), ring, now)).toBe('ufrag-expired')
})

test('lives for the minutes it is given, whatever the clock shows', () => {
  fc.assert(
    fc.property(route, fc.nat(2 ** 40), fc.nat(MAX_LIFE_MINUTES), (value, seconds, lifeMinutes) => {
      const now = epochSecondsOf(seconds)
      const expiryMinutes = minutesOf(epochSecondsOf(seconds + lifeMinutes * 60))
      const ufrag = mintUfrag({ ...value, expiryMinutes }, ring)
      expect(typeof parseUfrag(ufrag, ring, minutesOf(now))).toBe('object')
      const after = epochSecondsOf(seconds + (lifeMinutes + 1) * 60)
      expect(parseUfrag(ufrag, ring, minutesOf(after))).toBe('ufrag-expired')
    }),
  )
})

test('rotates keys with no call lost: relays learn a key before it mints, and keep the old one until it expires', () => {
  const [oldKey, newKey] = keys as [RouteKey, RouteKey]
  const value = { cluster: 1, transceiver: 2, session: 3, expiryMinutes: 60, flags: 0 }
  const before = mintUfrag(value, new RouteKeyRing([oldKey], oldKey.id))
  const relayWithBoth = new RouteKeyRing([oldKey, newKey], oldKey.id)
  const after = mintUfrag(value, new RouteKeyRing([oldKey, newKey], newKey.id))
  expect(after).not.toBe(before)
  expect(parseUfrag(before, relayWithBoth, 0)).toEqual(value)
  expect(parseUfrag(after, relayWithBoth, 0)).toEqual(value)
})

test('refuses a ufrag sealed with a retired key, and one whose key id was given to another key', () => {
  const [retired, kept] = keys as [RouteKey, RouteKey]
  const ufrag = mintUfrag(
    { cluster: 1, transceiver: 2, session: 3, expiryMinutes: 4, flags: 5 },
    new RouteKeyRing([retired], retired.id),
  )
  expect(parseUfrag(ufrag, new RouteKeyRing([kept], kept.id), 0)).toBe('ufrag-unknown-key')
  const reused = { id: retired.id, cipher: kept.cipher }
  expect(parseUfrag(ufrag, new RouteKeyRing([reused], reused.id), 0)).toBe('ufrag-forged')
})

test('throws on a ring that cannot work', () => {
  const cipher = aesBlockCipher(new Uint8Array(16))
  expect(() => new RouteKeyRing([], 0)).toThrow(RangeError)
  expect(() => new RouteKeyRing([{ id: 1, cipher }], 0)).toThrow(RangeError)
  expect(() => new RouteKeyRing([{ id: 15, cipher }], 15)).toThrow(RangeError)
  expect(() => new RouteKeyRing([{ id: -1, cipher }], -1)).toThrow(RangeError)
  expect(() => new RouteKeyRing([{ id: 0.5, cipher }], 0.5)).toThrow(RangeError)
  expect(
    () =>
      new RouteKeyRing(
        [
          { id: 1, cipher },
          { id: 1, cipher },
        ],
        1,
      ),
  ).toThrow(RangeError)
})

test.each([
  { cluster: 0x1000 },
  { transceiver: 0x100000 },
  { session: 2 ** 32 },
  { session: -1 },
  { expiryMinutes: 0x10000 },
  { flags: 256 },
  { cluster: 0.5 },
  { cluster: Number.NaN },
])('throws on a route that does not fit its fields: %j', (change) => {
  const value = { cluster: 0, transceiver: 0, session: 0, expiryMinutes: 0, flags: 0, ...change }
  expect(() => mintUfrag(value, ring)).toThrow(RangeError)
})

test('makes call ids that need no escaping in a URL, and reads only those', () => {
  fc.assert(
    fc.property(route, (value) => {
      const ufrag = mintUfrag(value, ring)
      const callId = callIdOf(ufrag)
      expect(encodeURIComponent(callId)).toBe(callId)
      expect(ufragOf(callId)).toBe(ufrag)
    }),
  )
})

test.each([
  '',
  'rtc_',
  'rtc_ANxYxytuDDaaL9dRix2sT',
  'rtc_ANxYxytuDDaaL9dRix2sTUU',
  'rtc_ANxYx+tuDDaaL9dRix2sTU',
  'RTC_ANxYxytuDDaaL9dRix2sTU',
  'rtc_ANxYxytuDDaaL9dRix2sT\n',
  'ANxYxytuDDaaL9dRix2sTU',
])('refuses %j as a call id', (text) => {
  expect(ufragOf(text)).toBeUndefined()
})
