import { beforeEach, describe, expect, test } from 'vitest'
import { ntpOf } from '#shared/packet/rtcp'
import type { ReceptionReport, RtcpPacket } from '#shared/packet/rtcp'
import { RTP_HEADER_BYTES, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { millisOf } from '#shared/time'
import { EXPECTED_LOSS, Reports } from './reports.ts'

const OURS = 7
const THEIRS = 9
const SENT = { ssrc: OURS, cname: 'server', timestamp: 960, packetCount: 3, octetCount: 240 }
const EPOCH = 1_800_000_000_000

let reports: Reports
beforeEach(() => {
  reports = new Reports(OURS, 48_000)
})

describe('Reports', () => {
  test('says what was sent and what came', () => {
    for (const sequence of [0, 1, 3]) hear(sequence)
    const [report, description] = reports.makeReport(SENT, EPOCH, millisOf(1000))
    expect(report).toMatchObject({ kind: 'sender-report', ssrc: OURS, ntp: ntpOf(EPOCH), packetCount: 3 })
    expect(report).toMatchObject({ reports: [{ ssrc: THEIRS, packetsLost: 1, highestSequence: 3 }] })
    expect(description).toEqual({ kind: 'source-description', cnames: [{ ssrc: OURS, cname: 'server' }] })
  })

  test('says BYE in a compound packet that says the same, and then that its source is no more', () => {
    hear(0)
    const last = reports.makeBye(SENT, EPOCH, millisOf(1000))
    expect(last.slice(0, -1)).toEqual(reports.makeReport(SENT, EPOCH, millisOf(1000)))
    expect(last.at(-1)).toEqual({ kind: 'goodbye', ssrcs: [OURS] })
  })

  test('refers to the last report of the client', () => {
    hear(0)
    const ntp = { seconds: 0x1234_5678, fraction: 0x9abc_0000 }
    reports.handleRtcp({ ...senderReport([]), ntp }, EPOCH, millisOf(100))
    const [report] = reports.makeReport(SENT, EPOCH, millisOf(600))
    expect(report).toMatchObject({
      reports: [{ lastSenderReport: 0x5678_9abc, delaySinceLastSenderReport: 32_768 }],
    })
  })

  test('takes the round trip from what the client refers to', () => {
    expect(reports.roundTripMillis).toBeUndefined()
    const { seconds, fraction } = ntpOf(EPOCH)
    const lastSenderReport = ((seconds << 16) | (fraction >>> 16)) >>> 0
    reports.handleRtcp(
      senderReport([{ lastSenderReport, delaySinceLastSenderReport: 65_536 }]),
      EPOCH + 1_080,
      millisOf(0),
    )
    expect(reports.roundTripMillis).toBeCloseTo(80, 0)
  })

  test('keeps the loss and the jitter that the client reports of our audio, and of no other', () => {
    reports.handleRtcp(senderReport([{ ssrc: 1, fractionLost: 255 }]), EPOCH, millisOf(0))
    expect(reports.remoteLossPercent).toBeUndefined()
    reports.handleRtcp(
      { kind: 'receiver-report', ssrc: THEIRS, reports: [reportOf({ fractionLost: 64, jitter: 480 })] },
      EPOCH,
      millisOf(0),
    )
    expect(reports).toMatchObject({ remoteLossPercent: 25, remoteJitterMillis: 10 })
  })

  test('expects the loss that is reported, soon when it rises, later when it falls, and within bounds', () => {
    expect(reports.expectedLossPercent).toBe(EXPECTED_LOSS.leastPercent)
    const report = (fractionLost: number) =>
      reports.handleRtcp(senderReport([{ fractionLost }]), EPOCH, millisOf(0))
    for (let i = 0; i < 3; i++) report(51)
    expect(reports.expectedLossPercent).toBeGreaterThan(17)
    report(0)
    expect(reports.expectedLossPercent).toBeGreaterThan(14)
    for (let i = 0; i < 60; i++) report(0)
    expect(reports.expectedLossPercent).toBe(EXPECTED_LOSS.leastPercent)
    for (let i = 0; i < 60; i++) report(255)
    expect(reports.expectedLossPercent).toBe(EXPECTED_LOSS.mostPercent)
  })

  test('counts on when the client changes its source', () => {
    for (const sequence of [0, 2]) hear(sequence)
    for (const sequence of [500, 503]) hear(sequence, 10)
    expect(reports).toMatchObject({ packetsReceived: 4, packetsMissing: 3 })
  })
})

function hear(sequence: number, ssrc = THEIRS): void {
  const memory = new Uint8Array(RTP_HEADER_BYTES)
  writeRtpHeader(memory, 0, 111, false, sequence, sequence * 960, ssrc)
  const rtp = new RtpView()
  rtp.read(memory, 0, memory.length)
  reports.handleRtp(rtp, millisOf(sequence * 20))
}

function senderReport(of: readonly Partial<ReceptionReport>[]): RtcpPacket & { kind: 'sender-report' } {
  const sent = { ntp: ntpOf(EPOCH), rtpTimestamp: 0, packetCount: 0, octetCount: 0 }
  return { kind: 'sender-report', ssrc: THEIRS, ...sent, reports: of.map(reportOf) }
}

function reportOf(report: Partial<ReceptionReport>): ReceptionReport {
  const nothing = { fractionLost: 0, packetsLost: 0, highestSequence: 0, jitter: 0, lastSenderReport: 0 }
  return { ssrc: OURS, ...nothing, delaySinceLastSenderReport: 0, ...report }
}
