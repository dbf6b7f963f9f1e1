/**
 * AES_CM_128_HMAC_SHA1_80 for SRTP and SRTCP, RFC 3711 sections 4.1.1 and 4.2.1, on OpenSSL contexts that all
 * sessions of the thread share.
 *
 *     SRTP    header | payload (encrypted) | tag 10        the tag covers all before it, and the rollover counter
 *     SRTCP   header 8 | reports (encrypted) | E + index 4 | tag 10
 *
 * A packet that is not authentic is left as it was.
 */

import { readI32, readU8, writeU32 } from '#shared/bytes'
import { SHA1_BYTES, writeHmacSha1 } from './hmac-sha1.ts'
import * as openssl from './openssl.ts'
import { IV_ADDRESS, KeyWords, SaltWords } from './packet-cipher.ts'
import type { PacketCipher } from './packet-cipher.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { rolloverOf } from './rollover.ts'
import type { SessionKeys } from './srtp-keys.ts'
import { ENCRYPTED_BIT, RTCP_HEADER_BYTES, RTCP_SSRC_AT, RTP_SSRC_AT } from './srtp-packet.ts'

export class CounterModeCipher implements PacketCipher {
  readonly rtpTrailerBytes = TAG_BYTES
  readonly rtcpTrailerBytes = INDEX_BYTES + TAG_BYTES
  readonly rtcpIndexFromEnd = INDEX_BYTES + TAG_BYTES
  readonly #memory: PacketMemory
  readonly #salt: SaltWords
  readonly #cipherKey: KeyWords
  readonly #authKey: KeyWords

  constructor(memory: PacketMemory, { cipherKey, authKey, salt }: SessionKeys) {
    if (cipherKey.length !== CIPHER_KEY_BYTES || authKey.length !== AUTH_KEY_BYTES) {
      throw new RangeError(`AES-128-CTR, HMAC-SHA1: keys of ${cipherKey.length} and ${authKey.length} bytes`)
    }
    this.#memory = memory
    this.#salt = new SaltWords(salt)
    this.#cipherKey = new KeyWords(cipherKey)
    this.#authKey = new KeyWords(authKey)
  }

  prefetch(): number {
    return this.#salt.prefetch() + this.#cipherKey.prefetch() + this.#authKey.prefetch()
  }

  sealRtp(start: number, headerBytes: number, length: number, index: number): boolean {
    const packet = this.#memory.address + start
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTP_SSRC_AT), index)
    if (!this.#crypt(packet + headerBytes, length - headerBytes)) return false
    // The counter stands behind the packet for the MAC only: the tag then takes its place.
    writeU32(this.#memory.bytes, start + length, rolloverOf(index))
    if (!this.#authenticate(packet, length + INDEX_BYTES)) return false
    writeTag(this.#memory.bytes, start + length)
    return true
  }

  openRtp(start: number, headerBytes: number, length: number, index: number): boolean {
    const { bytes } = this.#memory
    const packet = this.#memory.address + start
    const tagWord = readI32(bytes, start + length)
    writeU32(bytes, start + length, rolloverOf(index))
    const isDone = this.#authenticate(packet, length + INDEX_BYTES)
    writeU32(bytes, start + length, tagWord)
    if (!isDone || !isTag(bytes, start + length)) return false
    this.#salt.writeIv(readI32(bytes, start + RTP_SSRC_AT), index)
    return this.#crypt(packet + headerBytes, length - headerBytes)
  }

  sealRtcp(start: number, length: number, index: number): boolean {
    const packet = this.#memory.address + start
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTCP_SSRC_AT), index)
    if (!this.#crypt(packet + RTCP_HEADER_BYTES, length - RTCP_HEADER_BYTES)) return false
    writeU32(this.#memory.bytes, start + length, ENCRYPTED_BIT | index)
    if (!this.#authenticate(packet, length + INDEX_BYTES)) return false
    writeTag(this.#memory.bytes, start + length + INDEX_BYTES)
    return true
  }

  openRtcp(start: number, length: number, index: number, isEncrypted: boolean): boolean {
    const packet = this.#memory.address + start
    if (!this.#authenticate(packet, length + INDEX_BYTES)) return false
    if (!isTag(this.#memory.bytes, start + length + INDEX_BYTES)) return false
    if (!isEncrypted) return true
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTCP_SSRC_AT), index)
    return this.#crypt(packet + RTCP_HEADER_BYTES, length - RTCP_HEADER_BYTES)
  }

  close(): void {
    for (const key of [this.#cipherKey, this.#authKey]) {
      key.clear()
      key.writeTo(scratch.bytes, KEY_AT)
    }
  }

  #crypt(data: openssl.Address, length: number): boolean {
    this.#cipherKey.writeTo(scratch.bytes, KEY_AT)
    return (
      openssl.EVP_EncryptInit_ex2(CIPHER, NULL, KEY, IV_ADDRESS, NULL) === 1 &&
      openssl.EVP_EncryptUpdate(CIPHER, data, OUT_LENGTH, data, length) === 1
    )
  }

  /** Writes the whole MAC of `length` bytes to `MAC_AT`. */
  #authenticate(data: openssl.Address, length: number): boolean {
    this.#authKey.writeTo(scratch.bytes, KEY_AT)
    return writeHmacSha1(KEY, AUTH_KEY_BYTES, data, length, scratch.address + MAC_AT)
  }
}

function writeTag(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < TAG_BYTES; i++) bytes[at + i] = readU8(scratch.bytes, MAC_AT + i)
}

/** Compares in a time that does not depend on the bytes. */
function isTag(bytes: Uint8Array, at: number): boolean {
  let difference = 0
  for (let i = 0; i < TAG_BYTES; i++) difference |= readU8(bytes, at + i) ^ readU8(scratch.bytes, MAC_AT + i)
  return difference === 0
}

const NULL = 0
const CIPHER_KEY_BYTES = 16
/** RFC 3711 section 5.2. */
const AUTH_KEY_BYTES = 20
/** The 80 bits of RFC 3711 section 5.2, from the front of the MAC. */
const TAG_BYTES = 10
const INDEX_BYTES = 4

/** Scratch memory; `OUT_LENGTH` takes lengths that nobody reads. */
const scratch = new PacketMemory(64 + SHA1_BYTES)
const KEY_AT = 0
const KEY = scratch.address + KEY_AT
const MAC_AT = 64
const OUT_LENGTH = scratch.address + 32

/** A context that lives as long as the thread. */
const AES_128_CTR = openssl.demand(openssl.EVP_CIPHER_fetch(NULL, 'AES-128-CTR', null), 'AES-128-CTR')
const CIPHER = openssl.demand(openssl.EVP_CIPHER_CTX_new(), 'EVP_CIPHER_CTX_new')
openssl.demand(openssl.EVP_EncryptInit_ex2(CIPHER, AES_128_CTR, NULL, NULL, NULL), 'AES-128-CTR')
