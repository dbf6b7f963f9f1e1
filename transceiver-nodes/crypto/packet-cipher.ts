/**
 * What the two SRTP ciphers have in common: how they are called, and the initialization vector.
 *
 * A cipher is keyed once, for one direction and for RTP or RTCP, and works in place. Its methods do not think:
 * replay, indices and bounds are the caller's business, and a `false` means that the bytes are now worthless.
 *
 *     AES-GCM IV   0 0 | SSRC 4 | index 6         XOR salt, RFC 7714 sections 8.1 and 9.1
 *     AES-CM IV    0 0 0 0 | SSRC 4 | index 6 | 0 0   XOR salt, RFC 3711 section 4.1.1
 */

import { readU8, writeU32 } from '#shared/bytes'
import { PacketMemory } from '#shared/platform/packet-memory'
import { rolloverOf } from './rollover.ts'

/** One direction of RTP or RTCP under one key; `length` is that of the packet without its trailer. */
export interface PacketCipher {
  /** How many bytes a sealed packet is longer. */
  readonly rtpTrailerBytes: number
  readonly rtcpTrailerBytes: number
  /** Where the SRTCP index word stands, counted from the end of a sealed packet. */
  readonly rtcpIndexFromEnd: number
  sealRtp(start: number, headerBytes: number, length: number, index: number): boolean
  openRtp(start: number, headerBytes: number, length: number, index: number): boolean
  /** Seals a packet and writes its index word. */
  sealRtcp(start: number, length: number, index: number): boolean
  openRtcp(start: number, length: number, index: number, isEncrypted: boolean): boolean
  /** Frees the native contexts; no method may be called after it. */
  close(): void
}

/** Writes the vector of the packet `index` of `ssrc` to `IV_ADDRESS`; a 96-bit salt means AES-GCM. */
export function writeIv(salt: Uint8Array, ssrc: number, index: number): void {
  const { bytes } = iv
  const ssrcAt = salt.length - SSRC_FROM_END
  writeU32(bytes, 0, 0)
  writeU32(bytes, ssrcAt, ssrc)
  writeU32(bytes, ssrcAt + 4, rolloverOf(index))
  bytes[ssrcAt + 8] = index >>> 8
  bytes[ssrcAt + 9] = index
  for (let i = 0; i < salt.length; i++) bytes[i] = readU8(bytes, i) ^ readU8(salt, i)
}

const iv = new PacketMemory(16)

/** Where `writeIv` writes; the last two bytes stay zero, where AES-CM counts blocks. */
export const IV_ADDRESS = iv.address

const SSRC_FROM_END = 10
