/**
 * Reads and writes RTP headers where they lie, RFC 3550 section 5.1.
 *
 *      0                   1                   2                   3
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                  CSRC (32), CC times                          |
 *     |      defined by profile       |  length in 32-bit words       |  with X: then the extension itself
 *
 * Header extensions are skipped, not read. Sequence numbers are not compared here.
 */

import { readU16, readU32, readU8, writeU16, writeU32 } from '#shared/bytes'

/** Why a packet is not RTP. */
export type RtpFault = 'rtp-truncated' | 'rtp-version' | 'rtp-padding'

/** Bytes of a header without contributing sources and extension, RFC 3550 section 5.1. */
export const RTP_HEADER_BYTES = 12

/** One plain RTP packet in somebody else's memory. */
export class RtpView {
  payloadType = 0
  marker = false
  sequence = 0
  timestamp = 0
  ssrc = 0
  payloadStart = 0
  payloadLength = 0

  /** Reads the packet of `length` bytes at `start`; after a fault the fields mean nothing. */
  read(memory: Uint8Array, start: number, length: number): RtpFault | undefined {
    const headerBytes = rtpHeaderBytes(memory, start, length)
    if (headerBytes < 0)
      return length < RTP_HEADER_BYTES || isVersion2(memory, start) ? 'rtp-truncated' : 'rtp-version'
    const second = readU8(memory, start + 1)
    this.marker = second >= 0x80
    this.payloadType = second & 0x7f
    this.sequence = readU16(memory, start + 2)
    this.timestamp = readU32(memory, start + 4)
    this.ssrc = readU32(memory, start + 8)
    this.payloadStart = start + headerBytes
    return this.#readPayload(memory, start, length - headerBytes)
  }

  #readPayload(memory: Uint8Array, start: number, length: number): RtpFault | undefined {
    this.payloadLength = length
    if ((readU8(memory, start) & PADDING_BIT) === 0) return undefined
    // The last byte counts the padding, itself included.
    const paddingBytes = length === 0 ? 0 : readU8(memory, this.payloadStart + length - 1)
    if (paddingBytes === 0 || paddingBytes > length) return 'rtp-padding'
    this.payloadLength = length - paddingBytes
    return undefined
  }
}

/**
 * Returns the bytes up to the payload, or -1 if the header is not RTP version 2 or does not fit in `length`.
 * SRTP leaves exactly these bytes in the clear (RFC 3711 section 3.1), so it works on protected packets too.
 */
export function rtpHeaderBytes(memory: Uint8Array, start: number, length: number): number {
  if (length < RTP_HEADER_BYTES || !isVersion2(memory, start)) return -1
  const first = readU8(memory, start)
  const fixedBytes = RTP_HEADER_BYTES + (first & CSRC_COUNT_BITS) * 4
  if ((first & EXTENSION_BIT) === 0) return fixedBytes <= length ? fixedBytes : -1
  if (fixedBytes + EXTENSION_HEADER_BYTES > length) return -1
  const headerBytes = fixedBytes + EXTENSION_HEADER_BYTES + readU16(memory, start + fixedBytes + 2) * 4
  return headerBytes <= length ? headerBytes : -1
}

/** Writes a header without contributing sources, extension or padding; returns the bytes written. */
export function writeRtpHeader(
  memory: Uint8Array,
  at: number,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): number {
  memory[at] = VERSION_2
  memory[at + 1] = payloadType | (marker ? 0x80 : 0)
  writeU16(memory, at + 2, sequence)
  writeU32(memory, at + 4, timestamp)
  writeU32(memory, at + 8, ssrc)
  return RTP_HEADER_BYTES
}

function isVersion2(memory: Uint8Array, start: number): boolean {
  return (readU8(memory, start) & VERSION_BITS) === VERSION_2
}

/** The first byte, RFC 3550 section 5.1. */
const VERSION_BITS = 0xc0
const VERSION_2 = 0x80
const PADDING_BIT = 0x20
const EXTENSION_BIT = 0x10
const CSRC_COUNT_BITS = 0x0f

/** Profile word and length, RFC 3550 section 5.3.1. */
const EXTENSION_HEADER_BYTES = 4
