/**
 * RTCP reports as values: sender and receiver reports, CNAME, BYE, in compound packets. RFC 3550 section 6.
 *
 *      0                   1                   2                   3
 *     |V=2|P|  count  |  packet type  |    length in words, less one  |
 *     |                             SSRC                              |
 *     | SR only: NTP (64), RTP timestamp (32), packets (32), octets (32) |
 *     | per report: SSRC (32), loss (8), lost (24), highest sequence (32), jitter (32), LSR (32), DLSR (32) |
 *
 * Feedback, XR, APP, other SDES items and profile extensions are skipped: nothing here acts on them.
 */

import {
  concatBytes,
  fromUtf8,
  readI32,
  readU16,
  readU32,
  readU8,
  utf8,
  writeU16,
  writeU32,
} from '#shared/bytes'

/** Why a datagram is not RTCP. */
export type RtcpFault = 'rtcp-truncated' | 'rtcp-version' | 'rtcp-length' | 'rtcp-padding'

/** How well one source is received, RFC 3550 section 6.4.1. */
export interface ReceptionReport {
  readonly ssrc: number
  /** Loss since the last report, in 1/256. */
  readonly fractionLost: number
  /** Packets lost since the start, 24 bits signed: duplicates make it fall. */
  readonly packetsLost: number
  /** Highest sequence number received, the count of its wraps in the upper 16 bits. */
  readonly highestSequence: number
  /** Interarrival jitter in timestamp units. */
  readonly jitter: number
  /** `compactNtp` of the source's last sender report, 0 if there was none. */
  readonly lastSenderReport: number
  /** Time since that report arrived, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number
}

/** A wall clock reading in seconds since 1900 and 1/2^32 s, RFC 3550 section 4. */
export interface NtpTime {
  readonly seconds: number
  readonly fraction: number
}

/** What a sender has sent, and at which wall clock time its media clock showed which timestamp. */
export interface SenderReport {
  readonly kind: 'sender-report'
  readonly ssrc: number
  readonly ntp: NtpTime
  readonly rtpTimestamp: number
  readonly packetCount: number
  readonly octetCount: number
  readonly reports: readonly ReceptionReport[]
}

/** What one that sends nothing receives. */
export interface ReceiverReport {
  readonly kind: 'receiver-report'
  readonly ssrc: number
  readonly reports: readonly ReceptionReport[]
}

/** The CNAMEs of sources; every compound packet carries the sender's (RFC 3550 section 6.1). */
export interface SourceDescription {
  readonly kind: 'source-description'
  readonly cnames: readonly { readonly ssrc: number; readonly cname: string }[]
}

/** Sources that leave. */
export interface Goodbye {
  readonly kind: 'goodbye'
  readonly ssrcs: readonly number[]
}

/** One packet of a compound packet. */
export type RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye

/** Parses a compound packet; its packets and items of other kinds are left out. */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] | RtcpFault {
  if (bytes.length < HEADER_BYTES) return 'rtcp-truncated'
  const packets: RtcpPacket[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + HEADER_BYTES + readU16(bytes, at + 2) * 4
    if (end > bytes.length) return 'rtcp-length'
    const packet = parsePacket(bytes.subarray(at, end))
    if (typeof packet === 'string') return packet
    if (packet !== undefined) packets.push(packet)
    at = end
  }
  return packets
}

/** Encodes a compound packet; throws a `RangeError` for more than 31 reports or sources, or a CNAME over 255 bytes. */
export function encodeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  return concatBytes(...packets.map(encodePacket))
}

/** Returns the NTP time of `epochMillis`, milliseconds since 1970 that may carry a fraction. */
export function ntpOf(epochMillis: number): NtpTime {
  const seconds = Math.floor(epochMillis / 1000)
  const fraction = Math.floor((epochMillis / 1000 - seconds) * 2 ** 32)
  return { seconds: (seconds + NTP_EPOCH_SECONDS) >>> 0, fraction }
}

/** Returns the middle 32 bits of `ntp`, the clock of `lastSenderReport`, in 1/65536 s. */
export function compactNtp(ntp: NtpTime): number {
  return ((ntp.seconds << 16) | (ntp.fraction >>> 16)) >>> 0
}

/** Returns the round trip in milliseconds that `report`, received at `now`, shows; `undefined` before any sender report. */
export function roundTripMillis(report: ReceptionReport, now: NtpTime): number | undefined {
  if (report.lastSenderReport === 0) return undefined
  const elapsed = (compactNtp(now) - report.lastSenderReport - report.delaySinceLastSenderReport) | 0
  return (Math.max(elapsed, 0) * 1000) / 65_536
}

function parsePacket(bytes: Uint8Array): RtcpPacket | RtcpFault | undefined {
  const first = readU8(bytes, 0)
  if (first >>> 6 !== VERSION) return 'rtcp-version'
  const paddingBytes = (first & PADDING_BIT) === 0 ? 0 : paddingBytesOf(bytes)
  if (paddingBytes < 0) return 'rtcp-padding'
  const packet = bytes.subarray(0, bytes.length - paddingBytes)
  const count = first & COUNT_BITS
  switch (readU8(bytes, 1)) {
    case SENDER_REPORT:
      return parseSenderReport(packet, count)
    case RECEIVER_REPORT:
      return parseReceiverReport(packet, count)
    case SOURCE_DESCRIPTION:
      return parseSourceDescription(packet, count)
    case GOODBYE:
      return parseGoodbye(packet, count)
    default:
      return undefined
  }
}

/** The last byte counts the padding, itself included: some whole words; -1 if it cannot be. */
function paddingBytesOf(bytes: Uint8Array): number {
  const count = readU8(bytes, bytes.length - 1)
  return count > 0 && count % 4 === 0 && count <= bytes.length - HEADER_BYTES ? count : -1
}

function parseSenderReport(packet: Uint8Array, count: number): SenderReport | RtcpFault {
  const reports = parseReports(packet, SENDER_REPORT_BYTES, count)
  if (reports === undefined) return 'rtcp-length'
  return {
    kind: 'sender-report',
    ssrc: readU32(packet, 4),
    ntp: { seconds: readU32(packet, 8), fraction: readU32(packet, 12) },
    rtpTimestamp: readU32(packet, 16),
    packetCount: readU32(packet, 20),
    octetCount: readU32(packet, 24),
    reports,
  }
}

function parseReceiverReport(packet: Uint8Array, count: number): ReceiverReport | RtcpFault {
  const reports = parseReports(packet, RECEIVER_REPORT_BYTES, count)
  return reports === undefined
    ? 'rtcp-length'
    : { kind: 'receiver-report', ssrc: readU32(packet, 4), reports }
}

function parseReports(packet: Uint8Array, start: number, count: number): ReceptionReport[] | undefined {
  if (start + count * REPORT_BYTES > packet.length) return undefined
  return Array.from({ length: count }, (_, i) => parseReport(packet, start + i * REPORT_BYTES))
}

function parseReport(packet: Uint8Array, at: number): ReceptionReport {
  return {
    ssrc: readU32(packet, at),
    fractionLost: readU8(packet, at + 4),
    packetsLost: (readI32(packet, at + 4) << 8) >> 8,
    highestSequence: readU32(packet, at + 8),
    jitter: readU32(packet, at + 12),
    lastSenderReport: readU32(packet, at + 16),
    delaySinceLastSenderReport: readU32(packet, at + 20),
  }
}

function parseSourceDescription(packet: Uint8Array, count: number): SourceDescription | RtcpFault {
  const cnames: { ssrc: number; cname: string }[] = []
  let at = HEADER_BYTES
  for (let chunk = 0; chunk < count; chunk++) {
    if (at + 4 > packet.length) return 'rtcp-length'
    const ssrc = readU32(packet, at)
    // A source has one CNAME: of several the first counts.
    let cname: string | undefined
    for (at += 4; readU8(packet, at) !== SDES_END; at += SDES_ITEM_HEADER_BYTES + readU8(packet, at + 1)) {
      if (readU8(packet, at) === SDES_CNAME) cname ??= parseItemText(packet, at)
    }
    if (cname !== undefined) cnames.push({ ssrc, cname })
    // One zero byte at least ends the items, and zeros follow to the next word.
    at = (at & ~3) + 4
  }
  return at > packet.length ? 'rtcp-length' : { kind: 'source-description', cnames }
}

function parseItemText(packet: Uint8Array, at: number): string | undefined {
  const start = at + SDES_ITEM_HEADER_BYTES
  return fromUtf8(packet.subarray(start, start + readU8(packet, at + 1)))
}

function parseGoodbye(packet: Uint8Array, count: number): Goodbye | RtcpFault {
  if (HEADER_BYTES + count * 4 > packet.length) return 'rtcp-length'
  return {
    kind: 'goodbye',
    ssrcs: Array.from({ length: count }, (_, i) => readU32(packet, HEADER_BYTES + i * 4)),
  }
}

function encodePacket(packet: RtcpPacket): Uint8Array {
  if (packet.kind === 'source-description') {
    const chunks = packet.cnames.map(({ ssrc, cname }) => encodeChunk(ssrc, utf8(cname)))
    return withHeader(SOURCE_DESCRIPTION, chunks.length, concatBytes(...chunks))
  }
  if (packet.kind === 'goodbye') return withHeader(GOODBYE, packet.ssrcs.length, encodeWords(packet.ssrcs))
  const { ssrc, reports } = packet
  const blocks = reports.flatMap(reportWords)
  if (packet.kind === 'receiver-report') {
    return withHeader(RECEIVER_REPORT, reports.length, encodeWords([ssrc, ...blocks]))
  }
  const { ntp, rtpTimestamp, packetCount, octetCount } = packet
  const sent = [ssrc, ntp.seconds, ntp.fraction, rtpTimestamp, packetCount, octetCount]
  return withHeader(SENDER_REPORT, reports.length, encodeWords([...sent, ...blocks]))
}

function withHeader(type: number, count: number, body: Uint8Array): Uint8Array {
  if (count > COUNT_BITS)
    throw new RangeError(`an RTCP packet holds ${COUNT_BITS} reports or sources, not ${count}`)
  return concatBytes(encodeWords([(VERSION << 30) | (count << 24) | (type << 16) | (body.length / 4)]), body)
}

function reportWords(report: ReceptionReport): number[] {
  const { ssrc, fractionLost, packetsLost, highestSequence, jitter } = report
  const lost = Math.max(MIN_PACKETS_LOST, Math.min(packetsLost, MAX_PACKETS_LOST))
  const loss = (fractionLost << 24) | (lost & 0xffffff)
  return [ssrc, loss, highestSequence, jitter, report.lastSenderReport, report.delaySinceLastSenderReport]
}

function encodeChunk(ssrc: number, cname: Uint8Array): Uint8Array {
  if (cname.length > 255) throw new RangeError(`a CNAME has at most 255 bytes, not ${cname.length}`)
  const itemBytes = SDES_ITEM_HEADER_BYTES + cname.length
  const chunk = new Uint8Array(4 + (itemBytes & ~3) + 4)
  writeU32(chunk, 0, ssrc)
  writeU16(chunk, 4, (SDES_CNAME << 8) | cname.length)
  chunk.set(cname, 4 + SDES_ITEM_HEADER_BYTES)
  return chunk
}

function encodeWords(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4)
  words.forEach((word, i) => writeU32(bytes, i * 4, word))
  return bytes
}

/** The common header, RFC 3550 section 6.4.1. */
const HEADER_BYTES = 4
const VERSION = 2
const PADDING_BIT = 0x20
const COUNT_BITS = 0x1f

/** Packet types, RFC 3550 section 12.1. */
const SENDER_REPORT = 200
const RECEIVER_REPORT = 201
const SOURCE_DESCRIPTION = 202
const GOODBYE = 203

/** Where the reports start, and the bytes of one, RFC 3550 sections 6.4.1 and 6.4.2. */
const SENDER_REPORT_BYTES = 28
const RECEIVER_REPORT_BYTES = 8
const REPORT_BYTES = 24

/** The cumulative loss is clamped to 24 bits signed, RFC 3550 appendix A.3. */
const MIN_PACKETS_LOST = -0x800000
const MAX_PACKETS_LOST = 0x7fffff

/** Item types, RFC 3550 section 12.2; type and length come before an item's text, section 6.5. */
const SDES_END = 0
const SDES_CNAME = 1
const SDES_ITEM_HEADER_BYTES = 2

/** 1970-01-01 in seconds since 1900-01-01, RFC 5905 figure 4. */
const NTP_EPOCH_SECONDS = 2_208_988_800
