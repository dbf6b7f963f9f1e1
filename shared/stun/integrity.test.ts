import { createHmac } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '#shared/bytes'
import { hmacSha1 } from '#shared/platform/crypto'
import { datagramVectors, STUN_VECTOR_PASSWORD, STUN_VECTORS } from '../../tests/datagram-vectors.ts'
import { priority, username } from './attributes.ts'
import { checkFingerprint, checkIntegrity, crc32 } from './integrity.ts'
import { encodeStunMessage } from './message.ts'
import { BINDING_REQUEST } from './registry.ts'

const KEY = 'VOkJxbRl1RmTxUk/WvJxBt'
const hmac = hmacSha1(utf8(KEY))
const check = encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [username('a:b'), priority(1)], {
  integrity: hmac,
  fingerprint: true,
})

test('computes CRC-32 as zlib does', () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf43926)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(crc32(bytes)).toBe(zlibCrc32(bytes))
    }),
  )
})

test('computes the HMAC over the message as it was before FINGERPRINT', () => {
  const covered = Buffer.from(check.subarray(0, check.length - 8 - 24))
  covered.writeUInt16BE(check.length - 20 - 8, 2)
  const expected = createHmac('sha1', KEY).update(covered).digest('hex')
  expect(Buffer.from(check.subarray(check.length - 28, check.length - 8)).toString('hex')).toBe(expected)
})

test.each(STUN_VECTORS)('verifies every check of %s', (name) => {
  for (const bytes of datagramVectors(name)) {
    expect(checkIntegrity(bytes, hmacSha1(utf8(STUN_VECTOR_PASSWORD)))).toBe('valid')
    expect(checkFingerprint(bytes)).toBe('valid')
  }
})

test('finds every flipped bit, by one proof or the other', () => {
  for (let bit = 0; bit < check.length * 8; bit++) {
    const damaged = check.map((byte, at) => (at === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte))
    expect(checkFingerprint(damaged), `bit ${bit}`).not.toBe('valid')
    // The HMAC covers everything before itself; the length is covered as it was before FINGERPRINT.
    if (bit < (check.length - 8) * 8) expect(checkIntegrity(damaged, hmac), `bit ${bit}`).not.toBe('valid')
  }
})

test('refuses the right message under the wrong password', () => {
  expect(checkIntegrity(check, hmac)).toBe('valid')
  expect(checkIntegrity(check, hmacSha1(utf8(`${KEY}x`)))).toBe('wrong')
})

test('tells an absent proof from a wrong one, and calls malformed bytes wrong', () => {
  const bare = encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [priority(1)], {})
  expect(checkIntegrity(bare, hmac)).toBe('absent')
  expect(checkFingerprint(bare)).toBe('absent')
  expect(checkIntegrity(bare.subarray(0, 24), hmac)).toBe('wrong')
  expect(checkFingerprint(new Uint8Array(0))).toBe('wrong')
})

test('leaves the message as it was', () => {
  const before = check.slice()
  checkIntegrity(check, hmac)
  checkFingerprint(check)
  expect(check).toEqual(before)
})
