import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RtcpPacketConverter, RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket } from 'werift'
import { fromHex, toHex } from '#shared/bytes'
import { compactNtp, encodeRtcp, ntpOf, parseRtcp, roundTripMillis } from './rtcp.ts'
import type { ReceptionReport, RtcpPacket, SenderReport } from './rtcp.ts'

const u32 = fc.nat(0xffffffff)
const report: fc.Arbitrary<ReceptionReport> = fc.record({
  ssrc: u32,
  fractionLost: fc.nat(255),
  packetsLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
  highestSequence: u32,
  jitter: u32,
  lastSenderReport: u32,
  delaySinceLastSenderReport: u32,
})
const reports = fc.array(report, { maxLength: 3 })
const senderReport: fc.Arbitrary<SenderReport> = fc.record({
  kind: fc.constant('sender-report' as const),
  ssrc: u32,
  ntp: fc.record({ seconds: u32, fraction: u32 }),
  rtpTimestamp: u32,
  packetCount: u32,
  octetCount: u32,
  reports,
})
const packet: fc.Arbitrary<RtcpPacket> = fc.oneof(
  senderReport,
  fc.record({ kind: fc.constant('receiver-report' as const), ssrc: u32, reports }),
  fc.record({
    kind: fc.constant('source-description' as const),
    cnames: fc.array(fc.record({ ssrc: u32, cname: fc.string({ maxLength: 30 }) }), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('goodbye' as const), ssrcs: fc.array(u32, { maxLength: 4 }) }),
)
const EXAMPLE_REPORT: ReceptionReport = {
  ssrc: 0x11223344,
  fractionLost: 0x40,
  packetsLost: -2,
  highestSequence: 0x00010005,
  jitter: 7,
  lastSenderReport: 0xb44db705,
  delaySinceLastSenderReport: 0x00054000,
}

test('reads back every compound packet that it writes', () => {
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 4 }), (packets) => {
      expect(parseRtcp(encodeRtcp(packets))).toEqual(packets)
    }),
  )
})

test('lays a compound packet out as RFC 3550 section 6 draws it', () => {
  const bytes = encodeRtcp([
    {
      kind: 'sender-report',
      ssrc: 0xaabbccdd,
      ntp: { seconds: 1, fraction: 2 },
      rtpTimestamp: 3,
      packetCount: 4,
      octetCount: 5,
      reports: [EXAMPLE_REPORT],
    },
    { kind: 'source-description', cnames: [{ ssrc: 0xaabbccdd, cname: 'ab' }] },
    { kind: 'goodbye', ssrcs: [0xaabbccdd] },
  ])
  expect(bytes).toEqual(
    bytesOf(`
      81c8000c aabbccdd 00000001 00000002 00000003 00000004 00000005
      11223344 40fffffe 00010005 00000007 b44db705 00054000
      81ca0003 aabbccdd 01026162 00000000
      81cb0001 aabbccdd`),
  )
})

test('writes reports as werift does', () => {
  fc.assert(
    fc.property(senderReport, (value) => {
      const { ssrc, ntp, rtpTimestamp, packetCount, octetCount } = value
      const ours = encodeRtcp([value, { kind: 'receiver-report', ssrc, reports: value.reports }])
      const senderInfo = new RtcpSenderInfo({
        ntpTimestamp: (BigInt(ntp.seconds) << 32n) | BigInt(ntp.fraction),
        rtpTimestamp,
        packetCount,
        octetCount,
      })
      const theirReports = value.reports.map(weriftReport)
      const theirs = [
        new RtcpSrPacket({ ssrc, senderInfo, reports: theirReports }).serialize(),
        new RtcpRrPacket({ ssrc, reports: theirReports }).serialize(),
      ]
      expect(toHex(ours)).toBe(Buffer.concat(theirs).toString('hex'))
      expect(RtcpPacketConverter.deSerialize(Buffer.from(ours)).length).toBe(2)
    }),
  )
})

test('skips packets and items of other kinds', () => {
  const transportFeedback = '8fcd0003aabbccdd00000000 00000000'
  const twoItems = '81ca0004 aabbccdd 0201ff01 02616203 01780000'
  const goodbyeWithReason = '81cb0002 aabbccdd 03627965'
  const reportWithProfileExtension = '80c90002 00000001 ffffffff'
  const bytes = bytesOf(transportFeedback + twoItems + goodbyeWithReason + reportWithProfileExtension)
  expect(parseRtcp(bytes)).toEqual([
    { kind: 'source-description', cnames: [{ ssrc: 0xaabbccdd, cname: 'ab' }] },
    { kind: 'goodbye', ssrcs: [0xaabbccdd] },
    { kind: 'receiver-report', ssrc: 1, reports: [] },
  ])
})

test('takes the first of several CNAMEs of one source, so that what it reads can be written', () => {
  const chunk = `00000001 ${'0101 78'.repeat(40)}`.replaceAll(' ', '')
  const items = chunk.padEnd(Math.ceil((chunk.length + 1) / 8) * 8, '0')
  const packets = parseRtcp(bytesOf(`81ca${(items.length / 8).toString(16).padStart(4, '0')} ${items}`))
  expect(packets).toEqual([{ kind: 'source-description', cnames: [{ ssrc: 1, cname: 'x' }] }])
})

test('reads a padded packet', () => {
  const padded = bytesOf('a0c90002 00000001 00000004')
  expect(parseRtcp(padded)).toEqual([{ kind: 'receiver-report', ssrc: 1, reports: [] }])
})

test.each([
  ['nothing', '', 'rtcp-truncated'],
  ['three bytes', '80c900', 'rtcp-truncated'],
  ['version 1', '40c9000100000001', 'rtcp-version'],
  ['a second packet of version 0', '80c900010000000100c9000100000001', 'rtcp-version'],
  ['a length beyond the datagram', '80c9000200000001', 'rtcp-length'],
  ['bytes left over', '80c900010000000180', 'rtcp-length'],
  ['a report that is missing', '81c9000100000001', 'rtcp-length'],
  ['a sender report without its sender', '80c8000100000001', 'rtcp-length'],
  ['a chunk that is missing', '82ca0002aabbccdd00000000', 'rtcp-length'],
  ['an item beyond the packet', '81ca0002aabbccdd01ff6162', 'rtcp-length'],
  ['items without an end', '81ca0002aabbccdd01026162', 'rtcp-length'],
  ['a leaving source that is missing', '82cb0001aabbccdd', 'rtcp-length'],
  ['padding of no bytes', 'a0c900020000000100000000', 'rtcp-padding'],
  ['padding that is no multiple of 4', 'a0c900020000000100000003', 'rtcp-padding'],
  ['padding longer than the packet', 'a0c90002000000010000000c', 'rtcp-padding'],
])('refuses %s', (_, hex, fault) => {
  expect(parseRtcp(bytesOf(hex))).toBe(fault)
})

test('clamps a cumulative loss to 24 bits, RFC 3550 appendix A.3', () => {
  const lossOf = (packetsLost: number): number | undefined => {
    const report = { ...EXAMPLE_REPORT, packetsLost }
    const [packet] = parseRtcp(encodeRtcp([{ kind: 'receiver-report', ssrc: 1, reports: [report] }])) as [
      RtcpPacket,
    ]
    return packet.kind === 'receiver-report' ? packet.reports[0]?.packetsLost : undefined
  }
  expect(lossOf(0x1000000)).toBe(0x7fffff)
  expect(lossOf(-0x1000000)).toBe(-0x800000)
})

test('throws on what no packet holds', () => {
  const reports = Array.from({ length: 32 }, () => EXAMPLE_REPORT)
  expect(() => encodeRtcp([{ kind: 'receiver-report', ssrc: 1, reports }])).toThrow(RangeError)
  const cnames = [{ ssrc: 1, cname: 'x'.repeat(256) }]
  expect(() => encodeRtcp([{ kind: 'source-description', cnames }])).toThrow(RangeError)
})

test('counts NTP time from 1900, in 1/2^32 s', () => {
  expect(ntpOf(0)).toEqual({ seconds: 2_208_988_800, fraction: 0 })
  expect(ntpOf(1500)).toEqual({ seconds: 2_208_988_801, fraction: 0x80000000 })
  // The era ends on 2036-02-07 at 06:28:16 UTC.
  expect(ntpOf(Date.UTC(2036, 1, 7, 6, 28, 16))).toEqual({ seconds: 0, fraction: 0 })
})

test('finds the round trip of the example in RFC 3550 figure 2', () => {
  const now = { seconds: 0xb710, fraction: 0x8000_0000 }
  const report = { ...EXAMPLE_REPORT, lastSenderReport: 0xb705_2000, delaySinceLastSenderReport: 0x0005_4000 }
  expect(compactNtp(now)).toBe(0xb710_8000)
  expect(roundTripMillis(report, now)).toBe(6125)
})

test('finds no round trip before a sender report, and none below zero', () => {
  expect(roundTripMillis({ ...EXAMPLE_REPORT, lastSenderReport: 0 }, ntpOf(0))).toBeUndefined()
  const ahead = {
    ...EXAMPLE_REPORT,
    lastSenderReport: compactNtp(ntpOf(1000)),
    delaySinceLastSenderReport: 0,
  }
  expect(roundTripMillis(ahead, ntpOf(999))).toBe(0)
})

test('finds the round trip across the wrap of the compact clock', () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000_000), fc.nat(20_000), fc.nat(10_000), (sentAt, held, roundTrip) => {
      const lastSenderReport = compactNtp(ntpOf(sentAt))
      fc.pre(lastSenderReport !== 0)
      const report = {
        ...EXAMPLE_REPORT,
        lastSenderReport,
        delaySinceLastSenderReport: Math.round(held * 65.536),
      }
      expect(roundTripMillis(report, ntpOf(sentAt + held + roundTrip))).toBeCloseTo(roundTrip, -1)
    }),
  )
})

test('survives any bytes', () => {
  const anyPacket = fc
    .tuple(fc.nat(0x3f), fc.integer({ min: 199, max: 208 }), fc.uint8Array({ maxLength: 60 }))
    .map(([first, type, rest]) => {
      const body = rest.subarray(0, rest.length & ~3)
      return Uint8Array.of(0x80 | first, type, 0, body.length / 4, ...body)
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), anyPacket), (bytes) => {
      const packets = parseRtcp(bytes)
      if (typeof packets === 'string') expect(packets).toMatch(/^rtcp-(truncated|version|length|padding)$/)
    }),
    { numRuns: 2000 },
  )
})

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex.replaceAll(/\s/g, ''))!
}

function weriftReport(report: ReceptionReport): RtcpReceiverInfo {
  return new RtcpReceiverInfo({
    ssrc: report.ssrc,
    fractionLost: report.fractionLost,
    packetsLost: report.packetsLost & 0xffffff,
    highestSequence: report.highestSequence,
    jitter: report.jitter,
    lsr: report.lastSenderReport,
    dlsr: report.delaySinceLastSenderReport,
  })
}
