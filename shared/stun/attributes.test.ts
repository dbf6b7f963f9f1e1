import { isIPv4 } from 'node:net'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromUtf8, toHex } from '#shared/bytes'
import { formatAddress } from '#shared/endpoint'
import {
  errorCode,
  iceControlled,
  iceControlling,
  nomination,
  priority,
  readErrorCode,
  readNumber,
  readXorMappedAddress,
  software,
  unknownAttributes,
  useCandidate,
  username,
  xorMappedAddress,
} from './attributes.ts'
import {
  ATTRIBUTE_ICE_CONTROLLED,
  ATTRIBUTE_ICE_CONTROLLING,
  ATTRIBUTE_NOMINATION,
  ATTRIBUTE_PRIORITY,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_USE_CANDIDATE,
  ATTRIBUTE_USERNAME,
  ERROR_ROLE_CONFLICT,
} from './registry.ts'

const transactionId = fc.uint8Array({ minLength: 12, maxLength: 12 })
const address = fc.oneof(
  fc.ipV4(),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatAddress(bytes)),
)

test('reads back every mapped address, in 8 bytes for IPv4 and 20 for IPv6', () => {
  fc.assert(
    fc.property(address, fc.nat(0xffff), transactionId, (address, port, id) => {
      const { value } = xorMappedAddress({ address, port }, id)
      expect(value.length).toBe(isIPv4(address) ? 8 : 20)
      expect(readXorMappedAddress(value, id)).toEqual({ address, port })
    }),
  )
})

test('hides the address from NATs that rewrite it', () => {
  const { value } = xorMappedAddress({ address: '192.0.2.1', port: 32853 }, new Uint8Array(12))
  expect(toHex(value)).toBe('0001a147e112a643')
})

test.each([
  ['IPv4 in 20 bytes', 20, 1],
  ['IPv6 in 8 bytes', 8, 2],
  ['an unknown family', 8, 3],
  ['nothing', 0, 0],
  ['a short address', 7, 1],
])('refuses a mapped address of %s', (_, length, family) => {
  const value = new Uint8Array(length)
  value.set([0, family].slice(0, length))
  expect(readXorMappedAddress(value, new Uint8Array(12))).toBeUndefined()
})

test('throws on a mapped address that is a name', () => {
  expect(() => xorMappedAddress({ address: 'localhost', port: 1 }, new Uint8Array(12))).toThrow(RangeError)
})

test('reads back every error code and reason', () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 699 }), fc.string({ unit: 'grapheme' }), (code, reason) => {
      expect(readErrorCode(errorCode(code, reason).value)).toEqual({ code, reason })
    }),
  )
  expect(toHex(errorCode(ERROR_ROLE_CONFLICT, 'x').value)).toBe('0000045778')
})

test.each([[[]], [[0, 0, 4]], [[0, 0, 2, 99]], [[0, 0, 7, 0]], [[0, 0, 4, 100]], [[0, 0, 4, 0, 0xff]]])(
  'refuses %j as an error code',
  (bytes) => {
    expect(readErrorCode(Uint8Array.from(bytes))).toBeUndefined()
  },
)

test('ignores the reserved bits of an error code', () => {
  expect(readErrorCode(Uint8Array.of(0xff, 0xff, 0xfc, 0))).toEqual({ code: 400, reason: '' })
})

test('builds the attributes of a check', () => {
  const tieBreaker = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  expect(username('a:b')).toEqual({ type: ATTRIBUTE_USERNAME, value: Uint8Array.of(0x61, 0x3a, 0x62) })
  expect(priority(0x6e0001ff)).toEqual({ type: ATTRIBUTE_PRIORITY, value: Uint8Array.of(0x6e, 0, 1, 0xff) })
  expect(useCandidate()).toEqual({ type: ATTRIBUTE_USE_CANDIDATE, value: new Uint8Array(0) })
  expect(iceControlling(tieBreaker)).toEqual({ type: ATTRIBUTE_ICE_CONTROLLING, value: tieBreaker })
  expect(iceControlled(tieBreaker)).toEqual({ type: ATTRIBUTE_ICE_CONTROLLED, value: tieBreaker })
  expect(nomination(7)).toEqual({ type: ATTRIBUTE_NOMINATION, value: Uint8Array.of(0, 0, 0, 7) })
  expect(software('firsthop').type).toBe(ATTRIBUTE_SOFTWARE)
  expect(fromUtf8(software('firsthop').value)).toBe('firsthop')
  expect(toHex(unknownAttributes([0x0026, 0x7fff]).value)).toBe('00267fff')
})

test('reads back every number, unsigned, and only from 4 bytes', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (value) => {
      expect(readNumber(priority(value).value)).toBe(value)
    }),
  )
  expect(readNumber(new Uint8Array(3))).toBeUndefined()
  expect(readNumber(new Uint8Array(5))).toBeUndefined()
})

test('survives any value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), transactionId, (value, id) => {
      readXorMappedAddress(value, id)
      readErrorCode(value)
      readNumber(value)
    }),
  )
})
