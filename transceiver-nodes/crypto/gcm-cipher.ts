/**
 * AEAD_AES_128_GCM for SRTP and SRTCP, RFC 7714, on two OpenSSL contexts that all sessions of the thread share.
 *
 *     SRTP    header (authenticated) | payload (encrypted) | tag 16
 *     SRTCP   header 8 (authenticated) | reports (encrypted) | tag 16 | E + index 4 (authenticated)
 *
 * RFC 7714 sections 8 and 9. A packet that is not authentic leaves garbage behind: GCM decrypts before it knows.
 */

import { readI32, readU8, writeU32 } from '#shared/bytes'
import * as openssl from './openssl.ts'
import { IV_ADDRESS, KeyWords, SaltWords } from './packet-cipher.ts'
import type { PacketCipher } from './packet-cipher.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import type { SessionKeys } from './srtp-keys.ts'
import { ENCRYPTED_BIT, RTCP_HEADER_BYTES, RTCP_SSRC_AT, RTP_SSRC_AT } from './srtp-packet.ts'

export class GcmCipher implements PacketCipher {
  readonly rtpTrailerBytes = TAG_BYTES
  readonly rtcpTrailerBytes = TAG_BYTES + INDEX_BYTES
  readonly rtcpIndexFromEnd = INDEX_BYTES
  readonly #memory: PacketMemory
  readonly #salt: SaltWords
  readonly #key: KeyWords

  constructor(memory: PacketMemory, { cipherKey, salt }: SessionKeys) {
    if (cipherKey.length !== KEY_BYTES)
      throw new RangeError(`AES-128-GCM: a key of ${cipherKey.length} bytes`)
    this.#memory = memory
    this.#salt = new SaltWords(salt)
    this.#key = new KeyWords(cipherKey)
  }

  prefetch(): number {
    return this.#salt.prefetch() + this.#key.prefetch()
  }

  sealRtp(start: number, headerBytes: number, length: number, index: number): boolean {
    const packet = this.#memory.address + start
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTP_SSRC_AT), index)
    return (
      this.#beginSeal() &&
      this.#sealUpdate(NULL, packet, headerBytes) &&
      this.#sealUpdate(packet + headerBytes, packet + headerBytes, length - headerBytes) &&
      this.#finishSeal(packet + length)
    )
  }

  openRtp(start: number, headerBytes: number, length: number, index: number): boolean {
    const packet = this.#memory.address + start
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTP_SSRC_AT), index)
    return (
      this.#beginOpen(start + length) &&
      this.#openUpdate(NULL, packet, headerBytes) &&
      this.#openUpdate(packet + headerBytes, packet + headerBytes, length - headerBytes) &&
      this.#finishOpen()
    )
  }

  sealRtcp(start: number, length: number, index: number): boolean {
    const packet = this.#memory.address + start
    const indexAt = length + TAG_BYTES
    const bodyBytes = length - RTCP_HEADER_BYTES
    writeU32(this.#memory.bytes, start + indexAt, ENCRYPTED_BIT | index)
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTCP_SSRC_AT), index)
    return (
      this.#beginSeal() &&
      this.#sealUpdate(NULL, packet, RTCP_HEADER_BYTES) &&
      this.#sealUpdate(NULL, packet + indexAt, INDEX_BYTES) &&
      this.#sealUpdate(packet + RTCP_HEADER_BYTES, packet + RTCP_HEADER_BYTES, bodyBytes) &&
      this.#finishSeal(packet + length)
    )
  }

  openRtcp(start: number, length: number, index: number, isEncrypted: boolean): boolean {
    const packet = this.#memory.address + start
    const clearBytes = isEncrypted ? RTCP_HEADER_BYTES : length
    this.#salt.writeIv(readI32(this.#memory.bytes, start + RTCP_SSRC_AT), index)
    return (
      this.#beginOpen(start + length) &&
      this.#openUpdate(NULL, packet, clearBytes) &&
      this.#openUpdate(NULL, packet + length + TAG_BYTES, INDEX_BYTES) &&
      this.#openUpdate(packet + clearBytes, packet + clearBytes, length - clearBytes) &&
      this.#finishOpen()
    )
  }

  close(): void {
    this.#key.clear()
    this.#key.writeTo(scratch.bytes, KEY_AT)
  }

  #beginSeal(): boolean {
    this.#key.writeTo(scratch.bytes, KEY_AT)
    return openssl.EVP_EncryptInit_ex2(SEALING, NULL, KEY, IV_ADDRESS, NULL) === 1
  }

  /** With NULL for `out`, `data` is authenticated only. */
  #sealUpdate(out: openssl.Address, data: openssl.Address, length: number): boolean {
    return openssl.EVP_EncryptUpdate(SEALING, out, OUT_LENGTH, data, length) === 1
  }

  #finishSeal(tag: openssl.Address): boolean {
    return (
      openssl.EVP_EncryptFinal_ex(SEALING, tag, OUT_LENGTH) === 1 &&
      openssl.EVP_CIPHER_CTX_ctrl(SEALING, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) === 1
    )
  }

  /** Takes the tag along with the vector, which saves a call per packet. */
  #beginOpen(tagAt: number): boolean {
    this.#key.writeTo(scratch.bytes, KEY_AT)
    for (let i = 0; i < TAG_BYTES; i++) scratch.bytes[TAG_AT + i] = readU8(this.#memory.bytes, tagAt + i)
    return openssl.EVP_DecryptInit_ex2(OPENING, NULL, KEY, IV_ADDRESS, TAG_PARAMETER) === 1
  }

  #openUpdate(out: openssl.Address, data: openssl.Address, length: number): boolean {
    return openssl.EVP_DecryptUpdate(OPENING, out, OUT_LENGTH, data, length) === 1
  }

  #finishOpen(): boolean {
    return openssl.EVP_DecryptFinal_ex(OPENING, scratch.address, OUT_LENGTH) === 1
  }
}

const NULL = 0
const KEY_BYTES = 16
const TAG_BYTES = 16
const INDEX_BYTES = 4

/** EVP_CTRL_AEAD_GET_TAG, evp.h. */
const EVP_CTRL_AEAD_GET_TAG = 0x10

/** Scratch memory: `OUT_LENGTH` takes lengths that nobody reads, `TAG_PARAMETER` is an OSSL_PARAM for the tag. */
const scratch = new PacketMemory(256)
const KEY_AT = 16
const KEY = scratch.address + KEY_AT
const TAG_AT = 48
const TAG_NAME_AT = 64
const OUT_LENGTH = scratch.address + 80
const TAG_PARAMETER = scratch.address + 128

/** OSSL_PARAM_OCTET_STRING, core.h, and OSSL_CIPHER_PARAM_AEAD_TAG, core_names.h. */
const OSSL_PARAM_OCTET_STRING = 5
scratch.bytes.set(new TextEncoder().encode('tag\0'), TAG_NAME_AT)
openssl.writeParameter(
  TAG_PARAMETER,
  scratch.address + TAG_NAME_AT,
  OSSL_PARAM_OCTET_STRING,
  scratch.address + TAG_AT,
  TAG_BYTES,
)

const AES_128_GCM = openssl.demand(openssl.EVP_CIPHER_fetch(NULL, 'AES-128-GCM', null), 'AES-128-GCM')
const [SEALING, OPENING] = [openContext(), openContext()]
openssl.demand(openssl.EVP_EncryptInit_ex2(SEALING, AES_128_GCM, NULL, NULL, NULL), 'AES-128-GCM')
openssl.demand(openssl.EVP_DecryptInit_ex2(OPENING, AES_128_GCM, NULL, NULL, NULL), 'AES-128-GCM')

/** Lives as long as the thread. */
function openContext(): openssl.Address {
  return openssl.demand(openssl.EVP_CIPHER_CTX_new(), 'EVP_CIPHER_CTX_new')
}
