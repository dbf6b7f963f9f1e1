/**
 * HMAC-SHA1 (RFC 2104) on an OpenSSL context that all sessions of the thread share: the MAC of SRTP's counter mode, and
 * MESSAGE-INTEGRITY of STUN (RFC 8489 section 14.5).
 *
 * `createHmac` of Node makes an object of a stream for each MAC, which takes five times as long as the MAC of a check.
 */

import { PacketMemory } from '#shared/platform/packet-memory'
import type { Hmac } from '#shared/stun/integrity'
import * as openssl from './openssl.ts'

/** Writes the MAC of `length` bytes at `data`, `SHA1_BYTES` long, to `out`; false: OpenSSL failed. */
export function writeHmacSha1(
  key: openssl.Address,
  keyBytes: number,
  data: openssl.Address,
  length: number,
  out: openssl.Address,
): boolean {
  return (
    openssl.EVP_MAC_init(CONTEXT, key, keyBytes, 0) === 1 &&
    openssl.EVP_MAC_update(CONTEXT, data, length) === 1 &&
    openssl.EVP_MAC_final(CONTEXT, out, OUT_LENGTH, SHA1_BYTES) === 1
  )
}

/** HMAC-SHA1 under `key`, which is copied; the result is the caller's. Throws an `OpenSslError` if OpenSSL fails. */
export function hmacSha1(key: Uint8Array): Hmac {
  const kept = key.slice()
  return (data) => {
    const memory =
      MAC_BYTES + kept.length + data.length <= scratch.bytes.length ? scratch : roomFor(kept, data)
    const dataAt = MAC_BYTES + kept.length
    memory.bytes.set(kept, MAC_BYTES)
    memory.bytes.set(data, dataAt)
    const { address } = memory
    const isDone = writeHmacSha1(address + MAC_BYTES, kept.length, address + dataAt, data.length, address)
    openssl.demand(Number(isDone), 'HMAC-SHA1')
    return memory.bytes.slice(0, SHA1_BYTES)
  }
}

/** No check is so long, but a packet may be. */
function roomFor(key: Uint8Array, data: Uint8Array): PacketMemory {
  return new PacketMemory(MAC_BYTES + key.length + data.length)
}

/** Length of the MAC, FIPS 180-4. */
export const SHA1_BYTES = 20

/** Where a MAC is written; key and message follow it. */
const MAC_BYTES = 24
const scratch = new PacketMemory(1_024)

/** Names the hash of the HMAC, and takes lengths that nobody reads. */
const names = new PacketMemory(160)
const DIGEST_KEY_AT = 0
const DIGEST_NAME_AT = 16
const OUT_LENGTH = names.address + 32
const DIGEST_PARAMETER = names.address + 48

/** OSSL_PARAM_UTF8_STRING, core.h, and OSSL_MAC_PARAM_DIGEST, core_names.h. */
const OSSL_PARAM_UTF8_STRING = 4
names.bytes.set(new TextEncoder().encode('digest\0'), DIGEST_KEY_AT)
names.bytes.set(new TextEncoder().encode('SHA1\0'), DIGEST_NAME_AT)
openssl.writeParameter(
  DIGEST_PARAMETER,
  names.address + DIGEST_KEY_AT,
  OSSL_PARAM_UTF8_STRING,
  names.address + DIGEST_NAME_AT,
  'SHA1'.length,
)

/** A context that lives as long as the thread; it keeps the hash, and is given a key for each MAC. */
const HMAC = openssl.demand(openssl.EVP_MAC_fetch(0, 'HMAC', null), 'HMAC')
const CONTEXT = openssl.demand(openssl.EVP_MAC_CTX_new(HMAC), 'EVP_MAC_CTX_new')
openssl.demand(openssl.EVP_MAC_init(CONTEXT, scratch.address, SHA1_BYTES, DIGEST_PARAMETER), 'HMAC-SHA1')
