/**
 * What RTCP says about one received source: RFC 3550 section 6.4.1 with the algorithms of appendix A.1, A.3 and A.8.
 *
 * Loss counts every sequence number between the first and the highest that has not arrived; duplicates are not
 * told apart and make it fall, as the RFC allows.
 */

import { compactNtp } from '#shared/packet/rtcp'
import type { ReceptionReport, SenderReport } from '#shared/packet/rtcp'
import type { Millis } from '#shared/time'

/** Reception statistics of one source. */
export class Reception {
  readonly ssrc: number
  readonly #clockRateHz: number
  #baseSequence = -1
  #highestSequence = -1
  #wraps = 0
  #received = 0
  #expectedBefore = 0
  #receivedBefore = 0
  /** Sixteen times the jitter, and the last transit, in ticks of the timestamps: whole numbers, as appendix A.8 has them. */
  #jitterBy16 = 0
  #transit: number | undefined
  #senderReport = 0
  #senderReportAt: Millis | undefined

  constructor(ssrc: number, clockRateHz: number) {
    this.ssrc = ssrc
    this.#clockRateHz = clockRateHz
  }

  /** Packets that have arrived. */
  get received(): number {
    return this.#received
  }

  /** Packets missing so far. */
  get lost(): number {
    return this.#expected - this.#received
  }

  /** Smoothed interarrival jitter in milliseconds. */
  get jitterMillis(): number {
    return (this.#jitterBy16 * 1000) / 16 / this.#clockRateHz
  }

  /** Takes one packet. */
  handlePacket(sequence: number, timestamp: number, now: Millis): void {
    this.#received++
    this.#advance(sequence)
    this.#measureJitter(timestamp, now)
  }

  /** Takes the source's own report, which the next report refers to. */
  handleSenderReport(report: SenderReport, now: Millis): void {
    this.#senderReport = compactNtp(report.ntp)
    this.#senderReportAt = now
  }

  /** Makes the report for the interval since the last one. */
  report(now: Millis): ReceptionReport {
    const expected = this.#expected - this.#expectedBefore
    const lost = expected - (this.#received - this.#receivedBefore)
    this.#expectedBefore = this.#expected
    this.#receivedBefore = this.#received
    const delay = this.#senderReportAt === undefined ? 0 : (now - this.#senderReportAt) / 1000
    return {
      ssrc: this.ssrc,
      fractionLost: expected > 0 && lost > 0 ? Math.min(255, Math.floor((lost * 256) / expected)) : 0,
      packetsLost: Math.max(-0x800000, Math.min(0x7fffff, this.lost)),
      highestSequence: (this.#wraps * 0x10000 + Math.max(0, this.#highestSequence)) % 2 ** 32,
      jitter: Math.floor(this.#jitterBy16 / 16),
      lastSenderReport: this.#senderReport,
      delaySinceLastSenderReport: Math.floor(delay * 65_536),
    }
  }

  get #expected(): number {
    if (this.#baseSequence < 0) return 0
    return this.#wraps * 0x10000 + this.#highestSequence - this.#baseSequence + 1
  }

  #advance(sequence: number): void {
    if (this.#baseSequence < 0) {
      this.#baseSequence = sequence
      this.#highestSequence = sequence
      return
    }
    const step = (sequence - this.#highestSequence) & 0xffff
    if (step === 0 || step >= 0x8000) return
    if (sequence < this.#highestSequence) this.#wraps++
    this.#highestSequence = sequence
  }

  #measureJitter(timestamp: number, now: Millis): void {
    const arrival = Math.round((now * this.#clockRateHz) / 1000) | 0
    const transit = (arrival - timestamp) | 0
    if (this.#transit !== undefined) {
      // Modulo 2^32, like the timestamps.
      const difference = Math.abs((transit - this.#transit) | 0)
      // Divided, not shifted: timestamps that leap take it beyond 31 bits.
      this.#jitterBy16 += difference - Math.floor((this.#jitterBy16 + 8) / 16)
    }
    this.#transit = transit
  }
}
