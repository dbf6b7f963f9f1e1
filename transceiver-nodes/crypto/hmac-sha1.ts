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
    openssl.EVP_MAC_final(CONTEXT, out, scratch.address + OUT_LENGTH_AT, SHA1_BYTES) === 1
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

/** In the scratch memory: where a MAC is written, a length that nobody reads; key and message follow them. */
const OUT_LENGTH_AT = 24
const MAC_BYTES = 32
const scratch = new PacketMemory(1_024)

/** Names the hash of the HMAC: OSSL_PARAM_UTF8_STRING, core.h, and OSSL_MAC_PARAM_DIGEST, core_names.h. */
const OSSL_PARAM_UTF8_STRING = 4
const DIGEST_KEY_AT = 64
const DIGEST_NAME_AT = 80
const DIGEST_PARAMETER_AT = 96

/** A context that lives as long as the thread; it keeps the hash, and is given a key for each MAC. */
const CONTEXT = openContext()

function openContext(): openssl.Address {
  const { bytes, address } = scratch
  bytes.set(new TextEncoder().encode('digest\0'), DIGEST_KEY_AT)
  bytes.set(new TextEncoder().encode('SHA1\0'), DIGEST_NAME_AT)
  const [key, name] = [address + DIGEST_KEY_AT, address + DIGEST_NAME_AT]
  openssl.writeParameter(address + DIGEST_PARAMETER_AT, key, OSSL_PARAM_UTF8_STRING, name, 'SHA1'.length)
  const hmac = openssl.demand(openssl.EVP_MAC_fetch(0, 'HMAC', null), 'HMAC')
  const context = openssl.demand(openssl.EVP_MAC_CTX_new(hmac), 'EVP_MAC_CTX_new')
  openssl.demand(
    openssl.EVP_MAC_init(context, address, SHA1_BYTES, address + DIGEST_PARAMETER_AT),
    'HMAC-SHA1',
  )
  return context
}
