import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '#shared/bytes'
import { aesBlockCipher, hmacSha1, hmacSha256, randomBytes, sha256 } from './crypto.ts'

test('encrypts and decrypts the AES-128 example of FIPS 197 appendix C.1, in place', () => {
  const cipher = aesBlockCipher(fromHex('000102030405060708090a0b0c0d0e0f')!)
  const block = fromHex('00112233445566778899aabbccddeeff')!
  cipher.encryptBlock(block)
  expect(toHex(block)).toBe('69c4e0d86a7b0430d8cdb78070b4c55a')
  cipher.decryptBlock(block)
  expect(toHex(block)).toBe('00112233445566778899aabbccddeeff')
})

test('keeps no state from one block to the next', () => {
  const cipher = aesBlockCipher(randomBytes(16))
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (plain) => {
      const [once, again] = [plain.slice(), plain.slice()]
      cipher.encryptBlock(once)
      cipher.encryptBlock(again)
      expect(again).toEqual(once)
      cipher.decryptBlock(once)
      expect(once).toEqual(plain)
    }),
  )
})

test.each([0, 15, 17, 32])('throws on an AES-128 key of %i bytes', (length) => {
  expect(() => aesBlockCipher(new Uint8Array(length))).toThrow(RangeError)
})

test('computes HMAC-SHA-1 of RFC 2202 and HMAC-SHA-256 of RFC 4231, test case 2', () => {
  const data = utf8('what do ya want for nothing?')
  expect(toHex(hmacSha1(utf8('Jefe'))(data))).toBe('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')
  expect(toHex(hmacSha256(utf8('Jefe'))(data))).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

test('computes SHA-256 of FIPS 180-4', () => {
  expect(toHex(sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('returns arrays that share no memory when sliced', () => {
  for (const bytes of [sha256(utf8('')), hmacSha1(utf8(''))(utf8('')), randomBytes(8)]) {
    expect(bytes).not.toBeInstanceOf(Buffer)
    const before = toHex(bytes)
    bytes.slice(0, 4).fill(0)
    expect(toHex(bytes)).toBe(before)
  }
})

test('returns as many random bytes as asked for, and others each time', () => {
  expect(randomBytes(0).length).toBe(0)
  expect(toHex(randomBytes(16))).not.toBe(toHex(randomBytes(16)))
})

test('gives out no random bytes twice, and takes back none, whatever it draws ahead', () => {
  const draws = Array.from({ length: 500 }, () => randomBytes(16))
  expect(new Set(draws.map(toHex)).size).toBe(draws.length)
  for (const length of [1_000, 1_023, 1_024, 1_025, 5_000]) {
    const bytes = randomBytes(length)
    expect(bytes.length).toBe(length)
    expect(bytes.filter((byte) => byte === 0).length).toBeLessThan(length / 32)
  }
})
