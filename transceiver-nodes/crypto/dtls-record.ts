/**
 * Finds records that cannot be genuine and that OpenSSL must not see, RFC 6347 section 4.1.
 *
 *     0      1         3       5          11      13
 *     type | version | epoch | sequence | length | fragment …
 *
 * OpenSSL 3.5 drops what fails its authentication, as the RFC asks, but it ends the connection at an encrypted
 * record too short for a nonce and a tag (openssl/openssl#25290), and the handshake at a record of unknown type
 * (openssl/openssl#25389): 14 forged bytes do. What is left to a forger who can send in the peer's name is to spoil
 * a handshake with a false message or alert in the clear, which DTLS cannot prevent.
 */

import { readU16, readU8 } from '#shared/bytes'

/** Tells whether any record in the datagram of `length` bytes at `start` cannot be genuine. */
export function hasForgedRecord(memory: Uint8Array, start: number, length: number): boolean {
  const end = start + length
  for (let at = start; at + RECORD_HEADER_BYTES <= end;) {
    const type = readU8(memory, at)
    const isEncrypted = readU16(memory, at + EPOCH_AT) !== 0
    const fragmentBytes = readU16(memory, at + LENGTH_AT)
    if (type < CHANGE_CIPHER_SPEC || type > APPLICATION_DATA) return true
    if (isEncrypted ? fragmentBytes < SHORTEST_ENCRYPTED_BYTES : type === APPLICATION_DATA) return true
    at += RECORD_HEADER_BYTES + fragmentBytes
  }
  return false
}

const RECORD_HEADER_BYTES = 13
const EPOCH_AT = 3
const LENGTH_AT = 11

/** The first and last of the four content types, RFC 5246 section 6.2.1; epoch 0 never carries the last. */
const CHANGE_CIPHER_SPEC = 20
const APPLICATION_DATA = 23

/** An explicit nonce of 8 bytes and a tag of 16, RFC 5288 section 3: every suite of `DtlsContext` is AES-GCM. */
const SHORTEST_ENCRYPTED_BYTES = 24
