/**
 * Derives session keys from an SRTP master key, RFC 3711 section 4.3 with a key derivation rate of zero.
 *
 * RFC 7714 section 11 uses the same function for AES-GCM, with its 96-bit salt filled up with zeros on the right.
 */

import { createCipheriv } from 'node:crypto'
import { SRTP_KEY_BYTES, SRTP_PROFILES } from './srtp-profile.ts'
import type { SrtpProfile } from './srtp-profile.ts'

/** The keys of one direction, for RTP or for RTCP. */
export interface SessionKeys {
  readonly cipherKey: Uint8Array
  readonly salt: Uint8Array
  /** The HMAC-SHA1 key; an AEAD has no use for it. */
  readonly authKey: Uint8Array
}

/** Derives the session keys of `kind`; throws a `RangeError` if a length does not fit the profile. */
export function deriveSessionKeys(
  profile: SrtpProfile,
  masterKey: Uint8Array,
  masterSalt: Uint8Array,
  kind: 'rtp' | 'rtcp',
): SessionKeys {
  const { saltBytes } = SRTP_PROFILES[profile]
  if (masterKey.length !== SRTP_KEY_BYTES || masterSalt.length !== saltBytes) {
    throw new RangeError(`${profile}: a key of ${masterKey.length} and a salt of ${masterSalt.length} bytes`)
  }
  const first = kind === 'rtp' ? LABEL_RTP : LABEL_RTCP
  return {
    cipherKey: derive(masterKey, masterSalt, first + LABEL_CIPHER, SRTP_KEY_BYTES),
    authKey: derive(masterKey, masterSalt, first + LABEL_AUTH, AUTH_KEY_BYTES),
    salt: derive(masterKey, masterSalt, first + LABEL_SALT, saltBytes),
  }
}

/** AES-CM as a pseudorandom function, RFC 3711 section 4.3.3: the keystream of `(salt XOR label) * 2^16`. */
function derive(masterKey: Uint8Array, masterSalt: Uint8Array, label: number, length: number): Uint8Array {
  const iv = new Uint8Array(IV_BYTES)
  iv.set(masterSalt)
  iv[LABEL_AT] = (iv[LABEL_AT] ?? 0) ^ label
  return new Uint8Array(createCipheriv('aes-128-ctr', masterKey, iv).update(new Uint8Array(length)))
}

/** Key derivation labels, RFC 3711 section 4.3.1 (RTP: 0 to 2) and 4.3.2 (RTCP: 3 to 5). */
const LABEL_RTP = 0
const LABEL_RTCP = 3
const LABEL_CIPHER = 0
const LABEL_AUTH = 1
const LABEL_SALT = 2

/** Where the label stands in the counter: seven bytes from the end of the 112-bit salt, RFC 3711 section 4.3.1. */
const LABEL_AT = 7
const IV_BYTES = 16

/** Length of the HMAC-SHA1 key, RFC 3711 section 5.2. */
const AUTH_KEY_BYTES = 20
