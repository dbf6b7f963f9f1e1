/**
 * The RTCP of one call, both ways: what is reported to the client of its audio, and what it reports of ours.
 * RFC 3550 section 6; docs/audio.md.
 */

import { ntpOf, roundTripMillis } from '#shared/packet/rtcp'
import type { ReceptionReport, RtcpPacket } from '#shared/packet/rtcp'
import type { RtpView } from '#shared/packet/rtp'
import type { Millis } from '#shared/time'
import { Reception } from './reception.ts'

/** What has been sent so far. */
export interface SentAudio {
  readonly ssrc: number
  readonly cname: string
  readonly timestamp: number
  readonly packetCount: number
  readonly octetCount: number
}

/** Keeps the reports of one call. */
export class Reports {
  readonly #ssrc: number
  readonly #clockRateHz: number
  #reception: Reception | undefined
  /** What sources have lost that the client has since left behind. */
  #lostBefore = 0
  #received = 0
  #remote: ReceptionReport | undefined
  #roundTripMillis: number | undefined
  #smoothedLossPercent: number = EXPECTED_LOSS.leastPercent

  /** `ssrc` is ours, `clockRateHz` that of the codec. */
  constructor(ssrc: number, clockRateHz: number) {
    this.#ssrc = ssrc
    this.#clockRateHz = clockRateHz
  }

  /** Packets that came, and packets that are missing, by sequence number. */
  get packetsReceived(): number {
    return this.#received
  }

  get packetsMissing(): number {
    return this.#lostBefore + Math.max(0, this.#reception?.lost ?? 0)
  }

  /** Smoothed jitter of what comes. */
  get jitterMillis(): number {
    return this.#reception?.jitterMillis ?? 0
  }

  /** From our report to the client's answer and back, by its last report; undefined before the first. */
  get roundTripMillis(): number | undefined {
    return this.#roundTripMillis
  }

  /** What the client last reported of our audio. */
  get remoteLossPercent(): number | undefined {
    return this.#remote && (this.#remote.fractionLost * 100) / 256
  }

  get remoteJitterMillis(): number | undefined {
    return this.#remote && (this.#remote.jitter * 1000) / this.#clockRateHz
  }

  /** The loss that our encoder should allow for: follows the client's reports, quickly up and slowly down. */
  get expectedLossPercent(): number {
    return Math.round(this.#smoothedLossPercent)
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#received + (this.#reception?.received ?? 0)
  }

  /** Takes a packet of the client's audio. */
  handleRtp({ ssrc, sequence, timestamp }: RtpView, now: Millis): void {
    if (this.#reception?.ssrc !== ssrc) {
      this.#lostBefore = this.packetsMissing
      this.#reception = new Reception(ssrc, this.#clockRateHz)
    }
    this.#received++
    this.#reception.handlePacket(sequence, timestamp, now)
  }

  /** Takes a packet of the client's RTCP; `epochMillis` is the wall clock that our own reports showed. */
  handleRtcp(packet: RtcpPacket, epochMillis: number, now: Millis): void {
    if (packet.kind !== 'sender-report' && packet.kind !== 'receiver-report') return
    if (packet.kind === 'sender-report' && packet.ssrc === this.#reception?.ssrc) {
      this.#reception.handleSenderReport(packet, now)
    }
    for (const report of packet.reports) {
      if (report.ssrc === this.#ssrc) this.#handleReport(report, epochMillis)
    }
  }

  /** Makes our compound packet: a sender report with what came of the client's audio, and our CNAME. */
  makeReport(sent: SentAudio, epochMillis: number, now: Millis): RtcpPacket[] {
    const { ssrc, cname, timestamp, packetCount, octetCount } = sent
    return [
      {
        kind: 'sender-report',
        ssrc,
        ntp: ntpOf(epochMillis),
        rtpTimestamp: timestamp,
        packetCount,
        octetCount: octetCount % 2 ** 32,
        reports: this.#reception === undefined ? [] : [this.#reception.report(now)],
      },
      { kind: 'source-description', cnames: [{ ssrc, cname }] },
    ]
  }

  /** Makes our last compound packet: the same, and that nothing more will come, RFC 3550 section 6.6. */
  makeBye(sent: SentAudio, epochMillis: number, now: Millis): RtcpPacket[] {
    return [...this.makeReport(sent, epochMillis, now), { kind: 'goodbye', ssrcs: [sent.ssrc] }]
  }

  #handleReport(report: ReceptionReport, epochMillis: number): void {
    this.#remote = report
    this.#roundTripMillis = roundTripMillis(report, ntpOf(epochMillis)) ?? this.#roundTripMillis
    const { leastPercent, mostPercent, riseShare, fallShare } = EXPECTED_LOSS
    const change = (report.fractionLost * 100) / 256 - this.#smoothedLossPercent
    const smoothed = this.#smoothedLossPercent + change * (change > 0 ? riseShare : fallShare)
    this.#smoothedLossPercent = Math.min(Math.max(smoothed, leastPercent), mostPercent)
  }
}

/**
 * Bounds and pace of the expected loss. Never nothing, so that the first loss finds redundancy; no more than a
 * quarter, because redundancy beyond that takes more from the sound than it saves.
 */
export const EXPECTED_LOSS = { leastPercent: 5, mostPercent: 25, riseShare: 0.5, fallShare: 0.1 } as const
