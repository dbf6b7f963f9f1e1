/**
 * Derives session keys from an SRTP master key, RFC 3711 section 4.3 with a key derivation rate of zero.
 *
 * RFC 7714 section 11 uses the same function for AES-GCM, with its 96-bit salt filled up with zeros on the right.
 */

import { PacketMemory } from '#shared/platform/packet-memory'
import * as openssl from './openssl.ts'
import { SRTP_KEY_BYTES, SRTP_PROFILES } from './srtp-profile.ts'
import type { SrtpProfile } from './srtp-profile.ts'

/** The keys of one direction, for RTP or for RTCP. */
export interface SessionKeys {
  readonly cipherKey: Uint8Array
  readonly salt: Uint8Array
  /** The HMAC-SHA1 key; empty for an AEAD, which has no use for it. */
  readonly authKey: Uint8Array
}

/** Derives the session keys of `kind`; throws a `RangeError` if a length does not fit the profile. */
export function deriveSessionKeys(
  profile: SrtpProfile,
  masterKey: Uint8Array,
  masterSalt: Uint8Array,
  kind: 'rtp' | 'rtcp',
): SessionKeys {
  const { saltBytes, authKeyBytes } = SRTP_PROFILES[profile]
  if (masterKey.length !== SRTP_KEY_BYTES || masterSalt.length !== saltBytes) {
    throw new RangeError(`${profile}: a key of ${masterKey.length} and a salt of ${masterSalt.length} bytes`)
  }
  const first = kind === 'rtp' ? LABEL_RTP : LABEL_RTCP
  scratch.bytes.set(masterKey, KEY_AT)
  const keys = {
    cipherKey: derive(masterSalt, first + LABEL_CIPHER, SRTP_KEY_BYTES),
    authKey: derive(masterSalt, first + LABEL_AUTH, authKeyBytes),
    salt: derive(masterSalt, first + LABEL_SALT, saltBytes),
  }
  scratch.bytes.fill(0)
  return keys
}

/** AES-CM as a pseudorandom function, RFC 3711 section 4.3.3: the keystream of `(salt XOR label) * 2^16`. */
function derive(masterSalt: Uint8Array, label: number, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0)
  const { bytes, address } = scratch
  bytes.fill(0, IV_AT)
  bytes.set(masterSalt, IV_AT)
  bytes[IV_AT + LABEL_AT] = (bytes[IV_AT + LABEL_AT] ?? 0) ^ label
  const stream = address + STREAM_AT
  openssl.demand(
    openssl.EVP_EncryptInit_ex2(CONTEXT, AES_128_CTR, address + KEY_AT, address + IV_AT, 0),
    'AES-128-CTR',
  )
  openssl.demand(
    openssl.EVP_EncryptUpdate(CONTEXT, stream, address + LENGTH_AT, stream, length),
    'AES-128-CTR',
  )
  return bytes.slice(STREAM_AT, STREAM_AT + length)
}

/** Key derivation labels, RFC 3711 section 4.3.1 (RTP: 0 to 2) and 4.3.2 (RTCP: 3 to 5). */
const LABEL_RTP = 0
const LABEL_RTCP = 3
const LABEL_CIPHER = 0
const LABEL_AUTH = 1
const LABEL_SALT = 2

/** Where the label stands in the counter: seven bytes from the end of the 112-bit salt, RFC 3711 section 4.3.1. */
const LABEL_AT = 7

/** Master key, vector, keystream, and a length that nobody reads. */
const scratch = new PacketMemory(96)
const KEY_AT = 0
const IV_AT = 16
const STREAM_AT = 32
const LENGTH_AT = 64

const AES_128_CTR = openssl.demand(openssl.EVP_CIPHER_fetch(0, 'AES-128-CTR', null), 'AES-128-CTR')
const CONTEXT = openssl.demand(openssl.EVP_CIPHER_CTX_new(), 'EVP_CIPHER_CTX_new')
