/**
 * The cryptography that pure code is handed: a block cipher, MACs, a hash, randomness.
 *
 * All of it is `node:crypto`, synchronous, and the same on Node and on Workers with `nodejs_compat`.
 * Results are plain `Uint8Array`s, never `Buffer`s, whose `slice` would share memory.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, randomFillSync } from 'node:crypto'
import { readU32 } from '#shared/bytes'
import type { Hmac } from '#shared/stun/integrity'
import type { BlockCipher } from '#shared/ufrag/route'

/** AES-128 on single blocks (FIPS 197), for the routing ufrag; throws a `RangeError` unless `key` has 16 bytes. */
export function aesBlockCipher(key: Uint8Array): BlockCipher {
  if (key.length !== 16) throw new RangeError(`an AES-128 key has 16 bytes, not ${key.length}`)
  // ECB without padding keeps no state between blocks, so one object of each kind serves for ever.
  const encryptor = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  const decryptor = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  return {
    encryptBlock: (block) => block.set(encryptor.update(block)),
    decryptBlock: (block) => block.set(decryptor.update(block)),
  }
}

/** HMAC-SHA-1 under `key`, for STUN MESSAGE-INTEGRITY. */
export function hmacSha1(key: Uint8Array): Hmac {
  return (data) => new Uint8Array(createHmac('sha1', key).update(data).digest())
}

/** HMAC-SHA-256 under `key`, for control requests and client secrets. */
export function hmacSha256(key: Uint8Array): Hmac {
  return (data) => new Uint8Array(createHmac('sha256', key).update(data).digest())
}

/** The SHA-256 digest of `data`. */
export function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest())
}

/** Returns `length` unpredictable bytes. */
export function randomBytes(length: number): Uint8Array {
  if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length))
  if (poolAt + length > POOL_BYTES) {
    randomFillSync(pool)
    poolAt = 0
  }
  const bytes = pool.slice(poolAt, poolAt + length)
  // What has been given out is nobody else's to find.
  pool.fill(0, poolAt, poolAt + length)
  poolAt += length
  return bytes
}

/** Returns an unpredictable number of 32 bits. */
export function randomU32(): number {
  return readU32(randomBytes(4), 0)
}

/** Drawn ahead, because a call needs a dozen small draws and each costs the same whatever its length. */
const POOL_BYTES = 1024
const pool = new Uint8Array(POOL_BYTES)
let poolAt = POOL_BYTES
