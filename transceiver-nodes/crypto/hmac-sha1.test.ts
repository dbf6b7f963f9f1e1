import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex, utf8 } from '#shared/bytes'
import { hmacSha1 as nodeHmacSha1 } from '#shared/platform/crypto'
import { hmacSha1 } from './hmac-sha1.ts'

/** RFC 2202 section 3, test cases 1, 2, 6 and 7: short keys, and one that is longer than a block. */
test.each([
  [new Uint8Array(20).fill(0x0b), 'Hi There', 'b617318655057264e28bc0b6fb378c8ef146be00'],
  [utf8('Jefe'), 'what do ya want for nothing?', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
  [
    new Uint8Array(80).fill(0xaa),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    'aa4ae5e15272d00e95705637ce8a3b55ed402112',
  ],
  [
    new Uint8Array(80).fill(0xaa),
    'Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data',
    'e8e99d0f45237d786d6bbaa7965c7808bbff1a91',
  ],
])('agrees with RFC 2202 on a key of %s', (key, data, expected) => {
  expect(toHex(hmacSha1(key)(utf8(data)))).toBe(expected)
})

test('agrees with Node on any message, also one that is longer than a packet, under keys in turn', () => {
  const bytes = fc.uint8Array({ maxLength: 3_000 })
  const keys = fc.array(fc.uint8Array({ maxLength: 256 }), { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(keys, bytes, (all, data) => {
      const macs = all.map((key) => hmacSha1(key))
      expect(macs.map((mac) => toHex(mac(data)))).toEqual(all.map((key) => toHex(nodeHmacSha1(key)(data))))
    }),
  )
})

test('keeps a key of its own, and gives away what it returns', () => {
  const key = utf8('Jefe')
  const mac = hmacSha1(key)
  key.fill(0)
  const first = mac(utf8('what do ya want for nothing?'))
  mac(utf8('something else'))
  expect(toHex(first)).toBe('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')
})
