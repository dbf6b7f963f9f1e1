/**
 * The SRTP protection profiles of Firsthop, and the keys that a DTLS handshake yields for one.
 *
 * RFC 5764 section 4.1.2 and RFC 7714 section 12 name them; RFC 8827 section 6.5 asks every WebRTC endpoint for
 * the second. The 256-bit and 32-bit-tag profiles that clients also offer are left out: nobody offers them alone.
 */

export type SrtpProfile = 'aead-aes-128-gcm' | 'aes128-cm-sha1-80'

/** The master keys and salts of one session; local ones protect what this side sends. */
export interface SrtpKeys {
  readonly profile: SrtpProfile
  readonly localKey: Uint8Array
  readonly localSalt: Uint8Array
  readonly remoteKey: Uint8Array
  readonly remoteSalt: Uint8Array
}

interface ProfileParameters {
  /** The number in the use_srtp extension. */
  readonly id: number
  readonly openSslName: string
  readonly saltBytes: number
  /** Length of the key of the MAC, 0: it has none. */
  readonly authKeyBytes: number
}

/** What the profiles are called and how long their salts are. */
export const SRTP_PROFILES: Readonly<Record<SrtpProfile, ProfileParameters>> = {
  // RFC 7714 sections 12 and 14.2.
  'aead-aes-128-gcm': { id: 0x0007, openSslName: 'SRTP_AEAD_AES_128_GCM', saltBytes: 12, authKeyBytes: 0 },
  // RFC 5764 section 4.1.2, RFC 3711 section 5.2.
  'aes128-cm-sha1-80': { id: 0x0001, openSslName: 'SRTP_AES128_CM_SHA1_80', saltBytes: 14, authKeyBytes: 20 },
}

/** Both profiles, the cheaper one first: bench/crypto, docs/dtls-srtp.md. */
export const SRTP_PREFERENCE: readonly SrtpProfile[] = ['aead-aes-128-gcm', 'aes128-cm-sha1-80']

/** Length of a master key and of a session encryption key, in both profiles. */
export const SRTP_KEY_BYTES = 16
