/**
 * The Data Channel Establishment Protocol: RFC 8832.
 *
 * ```
 *  0               1               2               3
 * +---------------+---------------+---------------+---------------+
 * | type 0x03     | channel type  |           priority            |  DATA_CHANNEL_OPEN, section 5.1
 * |                     reliability parameter                     |
 * |         label length          |        protocol length        |
 * |  label, then protocol, UTF-8                                  |
 * +---------------+---------------+---------------+---------------+
 * ```
 *
 * Only the answering side: the client opens, Firsthop acknowledges. Priority and reliability are the client's
 * wishes for what it sends; what it is sent is always ordered and reliable, which every channel type permits.
 */

import { fromUtf8, readU16, readU8 } from '#shared/bytes'

/** A client's wish for a channel. */
export interface ChannelOpen {
  readonly label: string
  readonly protocol: string
}

/** What a DCEP message says: an open request, `ack`, or undefined for neither. */
export function parseDcep(message: Uint8Array): ChannelOpen | 'ack' | undefined {
  if (readU8(message, 0) === DATA_CHANNEL_ACK) return 'ack'
  if (readU8(message, 0) !== DATA_CHANNEL_OPEN || message.length < OPEN_HEADER_BYTES) return undefined
  const labelEnd = OPEN_HEADER_BYTES + readU16(message, 8)
  const protocolEnd = labelEnd + readU16(message, 10)
  if (message.length !== protocolEnd) return undefined
  const label = fromUtf8(message.subarray(OPEN_HEADER_BYTES, labelEnd))
  const protocol = fromUtf8(message.subarray(labelEnd, protocolEnd))
  return label === undefined || protocol === undefined ? undefined : { label, protocol }
}

/** Returns a DATA_CHANNEL_ACK, section 5.2. */
export function encodeChannelAck(): Uint8Array {
  return Uint8Array.of(DATA_CHANNEL_ACK)
}

/** RFC 8832 section 8.2.1. */
const DATA_CHANNEL_ACK = 0x02
const DATA_CHANNEL_OPEN = 0x03

/** RFC 8832 section 5.1. */
const OPEN_HEADER_BYTES = 12
