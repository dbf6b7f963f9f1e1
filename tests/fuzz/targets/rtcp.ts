/** RTCP compound packets (`shared/packet/rtcp`). */

import { fromHex, readU16, writeU16 } from '#shared/bytes'
import { encodeRtcp, parseRtcp, roundTripMillis } from '#shared/packet/rtcp'
import type { ReceptionReport, RtcpPacket } from '#shared/packet/rtcp'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const rtcp: FuzzTarget = {
  name: 'rtcp',
  maxBytes: 1_500,
  seeds: () => [encodeRtcp(COMPOUND), encodeRtcp(COMPOUND.slice(1)), encodeRtcp(COMPOUND.slice(2)), FEEDBACK],
  repair: withLastLength,
  run(input) {
    const packets = parseRtcp(input)
    if (typeof packets === 'string') return packets
    mustHold(packets.length * 4 <= input.length, 'more packets than fit')
    mustEqual(
      parseRtcp(encodeRtcp(packets)),
      packets.length === 0 ? 'rtcp-truncated' : packets,
      'encoded again',
    )
    packets.flatMap(reportsOf).forEach((report) => {
      const millis = roundTripMillis(report, { seconds: 1, fraction: 2 }) ?? 0
      mustHold(millis >= 0 && millis < 2 ** 16 * 1_000, 'an impossible round trip')
    })
    const kinds = new Set(packets.map(({ kind }) => kind)).size
    return `packets-${kinds}-${Math.ceil(Math.log2(1 + Math.max(0, ...packets.map(itemsOf))))}`
  },
}

/** How many reports, sources or names a packet has. */
function itemsOf(packet: RtcpPacket): number {
  if (packet.kind === 'goodbye') return packet.ssrcs.length
  return packet.kind === 'source-description' ? packet.cnames.length : packet.reports.length
}

function reportsOf(packet: RtcpPacket): readonly ReceptionReport[] {
  return 'reports' in packet ? packet.reports : []
}

const REPORT: ReceptionReport = {
  ssrc: 1,
  fractionLost: 255,
  packetsLost: -2,
  highestSequence: 70_000,
  jitter: 80,
  lastSenderReport: 9,
  delaySinceLastSenderReport: 10,
}

const COMPOUND: readonly RtcpPacket[] = [
  {
    kind: 'sender-report',
    ssrc: 2,
    ntp: { seconds: 3, fraction: 4 },
    rtpTimestamp: 5,
    packetCount: 6,
    octetCount: 7,
    reports: [REPORT],
  },
  { kind: 'receiver-report', ssrc: 2, reports: [REPORT, REPORT] },
  { kind: 'source-description', cnames: [{ ssrc: 2, cname: 'firsthop' }] },
  { kind: 'goodbye', ssrcs: [2, 3] },
]

/** A transport-wide feedback packet, which is left out, and an SDES with padding. */
const FEEDBACK = bytesOf(
  '8fcd0003 00000001 00000002 00000003 a1ca0005 00000001 01024142 02014300 00000000 00000004',
)

/** Makes the last packet end where the input does. */
function withLastLength(input: Uint8Array): Uint8Array {
  const copy = input.slice(0, input.length & ~3)
  for (let at = 0; at + 4 <= copy.length;) {
    const end = at + 4 + readU16(copy, at + 2) * 4
    if (end + 4 > copy.length) writeU16(copy, at + 2, (copy.length - at) / 4 - 1)
    at = end
  }
  return copy
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex.replaceAll(' ', '')) ?? new Uint8Array()
}
