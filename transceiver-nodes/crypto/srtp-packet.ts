/**
 * What SRTP must see of a packet before it can open it: RFC 3550 sections 5.1, 5.3.1 and 6.1.
 *
 * Only what lies in the clear is read. Padding is under the encryption, and `#shared/packet/rtp` reads it later.
 */

import { readU16, readU8 } from '#shared/bytes'

/**
 * Why a packet was not opened.
 *
 * - `srtp-short`: too short for its header and trailer, not version 2, or not wholly inside the memory.
 * - `srtp-replay`: seen before, or too old to tell.
 * - `srtp-auth`: forged, damaged, or protected with another key or rollover counter.
 * - `srtp-sources`: one SSRC more than `MAX_SRTP_STREAMS`.
 * - `srtp-closed`: the session is closed.
 */
export type SrtpFault = 'srtp-short' | 'srtp-replay' | 'srtp-auth' | 'srtp-sources' | 'srtp-closed'

/**
 * Why a packet was not protected, and must not be sent.
 *
 * - `srtp-short`, `srtp-sources`, `srtp-closed`: as above.
 * - `srtp-room`: no room for the trailer behind the packet.
 * - `srtp-index`: its sequence number does not go up, so that a keystream would be used twice.
 * - `srtp-exhausted`: the key has protected all that it may, RFC 3711 section 9.2.
 * - `srtp-cipher`: OpenSSL failed.
 */
export type SrtpSendFault =
  | Exclude<SrtpFault, 'srtp-replay' | 'srtp-auth'>
  | 'srtp-room'
  | 'srtp-index'
  | 'srtp-exhausted'
  | 'srtp-cipher'

/** Length of the RTP header with its CSRCs and extension; -1 unless it fits in `length` bytes. */
export function rtpHeaderBytes(bytes: Uint8Array, start: number, length: number): number {
  if (length < RTP_HEADER_BYTES) return -1
  const first = readU8(bytes, start)
  if (first >>> 6 !== VERSION) return -1
  const fixed = RTP_HEADER_BYTES + CSRC_BYTES * (first & CSRC_COUNT_MASK)
  if ((first & EXTENSION_BIT) === 0) return fixed <= length ? fixed : -1
  if (fixed + EXTENSION_HEADER_BYTES > length) return -1
  const whole = fixed + EXTENSION_HEADER_BYTES + 4 * readU16(bytes, start + fixed + 2)
  return whole <= length ? whole : -1
}

/** Tells whether `length` bytes hold an RTCP header, which stays in the clear. */
export function isRtcpPacket(bytes: Uint8Array, start: number, length: number): boolean {
  return length >= RTCP_HEADER_BYTES && readU8(bytes, start) >>> 6 === VERSION
}

/** Where the sequence number and the SSRC stand in an RTP packet, RFC 3550 section 5.1. */
export const RTP_SEQUENCE_AT = 2
export const RTP_SSRC_AT = 8

/** Where the sender's SSRC stands in an RTCP packet, and how much of it stays in the clear: RFC 3711 section 3.4. */
export const RTCP_SSRC_AT = 4
export const RTCP_HEADER_BYTES = 8

/** The word behind an RTCP packet: E, "is encrypted", and a 31-bit index; RFC 3711 section 3.4. */
export const ENCRYPTED_BIT = 0x80000000
export const RTCP_INDEX_LIMIT = 0x80000000

const VERSION = 2
const RTP_HEADER_BYTES = 12
const CSRC_BYTES = 4
const CSRC_COUNT_MASK = 0x0f
const EXTENSION_BIT = 0x10
const EXTENSION_HEADER_BYTES = 4
