/**
 * What the two SRTP ciphers have in common: how they are called, and the initialization vector.
 *
 * A cipher has its keys for one direction and for RTP or RTCP, and works in place. Its methods do not think:
 * replay, indices and bounds are the caller's business, and a `false` means that the bytes are now worthless.
 *
 * OpenSSL's contexts are the thread's, and have the key of the packet at hand: to expand a key takes less than to fetch
 * a context of the session's own from memory, where it lies since its last packet. docs/dtls-srtp.md, "SRTP".
 *
 *     AES-GCM IV   0 0 | SSRC 4 | index 6         XOR salt, RFC 7714 sections 8.1 and 9.1
 *     AES-CM IV    0 0 0 0 | SSRC 4 | index 6 | 0 0   XOR salt, RFC 3711 section 4.1.1
 */

import { readI32, writeU32 } from '#shared/bytes'
import { PacketMemory } from '#shared/platform/packet-memory'
import { rolloverOf } from './rollover.ts'

/** One direction of RTP or RTCP under one key; `length` is that of the packet without its trailer. */
export interface PacketCipher {
  /** How many bytes a sealed packet is longer. */
  readonly rtpTrailerBytes: number
  readonly rtcpTrailerBytes: number
  /** Where the SRTCP index word stands, counted from the end of a sealed packet. */
  readonly rtcpIndexFromEnd: number
  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number
  sealRtp(start: number, headerBytes: number, length: number, index: number): boolean
  openRtp(start: number, headerBytes: number, length: number, index: number): boolean
  /** Seals a packet and writes its index word. */
  sealRtcp(start: number, length: number, index: number): boolean
  openRtcp(start: number, length: number, index: number, isEncrypted: boolean): boolean
  /** Forgets the keys; no method may be called after it. */
  close(): void
}

/** A key in words, which lie beside each other and need no array of their own. */
export class KeyWords {
  #word0 = 0
  #word1 = 0
  #word2 = 0
  #word3 = 0
  #word4 = 0

  /** Throws a `RangeError` unless the key has `MAX_KEY_BYTES` or fewer. */
  constructor(key: Uint8Array) {
    if (key.length > MAX_KEY_BYTES) throw new RangeError(`a key of ${key.length} bytes`)
    const padded = new Uint8Array(MAX_KEY_BYTES)
    padded.set(key)
    this.#word0 = readI32(padded, 0)
    this.#word1 = readI32(padded, 4)
    this.#word2 = readI32(padded, 8)
    this.#word3 = readI32(padded, 12)
    this.#word4 = readI32(padded, 16)
    padded.fill(0)
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#word0 + this.#word4
  }

  /** Writes the key, and zeros up to `MAX_KEY_BYTES`. */
  writeTo(bytes: Uint8Array, at: number): void {
    writeU32(bytes, at, this.#word0)
    writeU32(bytes, at + 4, this.#word1)
    writeU32(bytes, at + 8, this.#word2)
    writeU32(bytes, at + 12, this.#word3)
    writeU32(bytes, at + 16, this.#word4)
  }

  /** Forgets the key. */
  clear(): void {
    this.#word0 = this.#word1 = this.#word2 = this.#word3 = this.#word4 = 0
  }
}

/** A salt as it is mixed into the vectors of one cipher: in words, which need no array of their own. */
export class SaltWords {
  readonly #word0: number
  readonly #word1: number
  readonly #word2: number
  readonly #word3: number
  readonly #isGcm: boolean

  /** A 96-bit salt means AES-GCM. */
  constructor(salt: Uint8Array) {
    const padded = new Uint8Array(IV_BYTES)
    padded.set(salt)
    this.#isGcm = salt.length === GCM_SALT_BYTES
    this.#word0 = readI32(padded, 0)
    this.#word1 = readI32(padded, 4)
    this.#word2 = readI32(padded, 8)
    this.#word3 = readI32(padded, 12)
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#word0 + this.#word3
  }

  /** Writes the vector of the packet `index` of `ssrc` to `IV_ADDRESS`. */
  writeIv(ssrc: number, index: number): void {
    const rollover = rolloverOf(index)
    const { bytes } = iv
    if (this.#isGcm) {
      writeU32(bytes, 0, this.#word0 ^ (ssrc >>> 16))
      writeU32(bytes, 4, this.#word1 ^ ((ssrc << 16) | (rollover >>> 16)))
      writeU32(bytes, 8, this.#word2 ^ ((rollover << 16) | (index & 0xffff)))
    } else {
      writeU32(bytes, 0, this.#word0)
      writeU32(bytes, 4, this.#word1 ^ ssrc)
      writeU32(bytes, 8, this.#word2 ^ rollover)
      writeU32(bytes, 12, this.#word3 ^ (index << 16))
    }
  }
}

/** An HMAC-SHA1 key, RFC 3711 section 5.2; those of AES-128 have 16. */
const MAX_KEY_BYTES = 20
/** RFC 7714 section 8.1. */
const GCM_SALT_BYTES = 12
/** A block of AES, RFC 3711 section 4.1.1; AES-GCM takes the first 12 bytes. */
const IV_BYTES = 16
const iv = new PacketMemory(IV_BYTES)

/** Where `writeIv` writes; the last two bytes of a vector for AES-CM are zero, where it counts blocks. */
export const IV_ADDRESS = iv.address
