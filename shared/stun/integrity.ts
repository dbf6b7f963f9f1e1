/**
 * The two proofs a STUN message can carry: MESSAGE-INTEGRITY (who sent it) and FINGERPRINT (that it is STUN).
 *
 * RFC 8489 sections 14.5 and 14.7. MESSAGE-INTEGRITY-SHA256 is left out: ICE protects its checks with
 * MESSAGE-INTEGRITY (RFC 8445 section 7.2.2).
 */

import { equalBytes, writeU16, writeU32 } from '#shared/bytes'
import { STUN_HEADER_BYTES } from './registry.ts'
import { ATTRIBUTE_HEADER_BYTES, FINGERPRINT_BYTES, MESSAGE_INTEGRITY_BYTES, StunView } from './view.ts'

/** A message authentication code under a fixed key. */
export type Hmac = (data: Uint8Array) => Uint8Array

/** What a proof in a message is worth. */
export type Proof = 'valid' | 'absent' | 'wrong'

/** Verifies MESSAGE-INTEGRITY under `hmac` (HMAC-SHA-1); a malformed message is `wrong`. */
export function checkIntegrity(bytes: Uint8Array, hmac: Hmac): Proof {
  const view = new StunView()
  if (view.read(bytes, 0, bytes.length) !== undefined) return 'wrong'
  const start = view.integrityStart
  if (start < 0) return 'absent'
  const end = start + MESSAGE_INTEGRITY_BYTES
  const covered = bytes.slice(0, start - ATTRIBUTE_HEADER_BYTES)
  // The sender computed it before FINGERPRINT was added: the length counts up to MESSAGE-INTEGRITY only.
  writeU16(covered, 2, end - STUN_HEADER_BYTES)
  return equalBytes(hmac(covered), bytes.subarray(start, end)) ? 'valid' : 'wrong'
}

/** Verifies FINGERPRINT; a malformed message is `wrong`. */
export function checkFingerprint(bytes: Uint8Array): Proof {
  const view = new StunView()
  if (view.read(bytes, 0, bytes.length) !== undefined) return 'wrong'
  const start = view.fingerprintStart
  if (start < 0) return 'absent'
  const expected = fingerprintOf(bytes.subarray(0, start - ATTRIBUTE_HEADER_BYTES))
  return equalBytes(expected, bytes.subarray(start, start + FINGERPRINT_BYTES)) ? 'valid' : 'wrong'
}

/** Returns the FINGERPRINT value for a message that so far ends before it and whose length counts it. */
export function fingerprintOf(covered: Uint8Array): Uint8Array {
  const value = new Uint8Array(FINGERPRINT_BYTES)
  writeU32(value, 0, crc32(covered) ^ FINGERPRINT_XOR)
  return value
}

/** The CRC-32 of ITU V.42 and zlib, unsigned. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return ~crc >>> 0
}

function crcTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ CRC_POLYNOMIAL
    return crc
  })
}

/** "STUN" in ASCII, RFC 8489 section 14.7. */
const FINGERPRINT_XOR = 0x5354554e

/** The generator polynomial of ITU V.42 section 8.1.1.6.2, bits reversed. */
const CRC_POLYNOMIAL = 0xedb88320

const CRC_TABLE = crcTable()
