import { expect, test } from 'vitest'
import { fromHex, toHex } from '#shared/bytes'
import { deriveSessionKeys } from './srtp-keys.ts'

/** RFC 3711 appendix B.3. */
const MASTER_KEY = fromHex('E1F97A0D3E018BE0D64FA32C06DE4139')!
const MASTER_SALT = fromHex('0EC675AD498AFEEBB6960B3AABE6')!

test('derives the keys of RFC 3711 appendix B.3', () => {
  const keys = deriveSessionKeys('aes128-cm-sha1-80', MASTER_KEY, MASTER_SALT, 'rtp')
  expect(toHex(keys.cipherKey)).toBe('c61e7a93744f39ee10734afe3ff7a087')
  expect(toHex(keys.salt)).toBe('30cbbc08863d8c85d49db34a9ae1')
  expect(toHex(keys.authKey)).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4')
})

test('gives RTCP keys of its own', () => {
  const rtp = deriveSessionKeys('aes128-cm-sha1-80', MASTER_KEY, MASTER_SALT, 'rtp')
  const rtcp = deriveSessionKeys('aes128-cm-sha1-80', MASTER_KEY, MASTER_SALT, 'rtcp')
  expect(rtcp.cipherKey).not.toEqual(rtp.cipherKey)
  expect(rtcp.authKey).not.toEqual(rtp.authKey)
  expect(rtcp.salt).not.toEqual(rtp.salt)
})

test('fills the 96-bit salt of AES-GCM up with zeros, RFC 7714 section 11', () => {
  const salt = MASTER_SALT.slice(0, 12)
  const filled = new Uint8Array(14)
  filled.set(salt)
  const gcm = deriveSessionKeys('aead-aes-128-gcm', MASTER_KEY, salt, 'rtp')
  const cm = deriveSessionKeys('aes128-cm-sha1-80', MASTER_KEY, filled, 'rtp')
  expect(gcm.cipherKey).toEqual(cm.cipherKey)
  expect(gcm.salt).toEqual(cm.salt.slice(0, 12))
})

test('refuses keys that do not fit the profile', () => {
  expect(() => deriveSessionKeys('aead-aes-128-gcm', MASTER_KEY, MASTER_SALT, 'rtp')).toThrow(RangeError)
  expect(() => deriveSessionKeys('aes128-cm-sha1-80', MASTER_SALT, MASTER_SALT, 'rtp')).toThrow(RangeError)
})
