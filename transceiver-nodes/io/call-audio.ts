/**
 * The audio of one call: what the client says (`AudioReceiver`), what it is told (`AudioSender`), and what both
 * sides report of it (`Reports`). docs/audio.md.
 */

import { encodeRtcp, parseRtcp } from '#shared/packet/rtcp'
import type { RtcpPacket } from '#shared/packet/rtcp'
import { RtpView } from '#shared/packet/rtp'
import { epochMillisNow } from '#shared/platform/clock'
import type { AudioCodec } from '#shared/sdp/audio'
import type { Millis } from '#shared/time'
import type { TransceiverDrop } from './drops.ts'
import { AudioReceiver } from '../core/media/audio-receiver.ts'
import type { AudioListener } from '../core/media/audio-receiver.ts'
import type { Playout } from '../core/media/playout.ts'
import { Reports } from '../core/media/reports.ts'
import { AudioSender } from './audio-sender.ts'
import { CALL_CODECS } from './call-codec.ts'
import type { Peer } from './peer.ts'

/** What a call's audio is made of. */
export interface CallAudioOptions {
  readonly peer: Pick<Peer, 'isConnected' | 'beginPacket' | 'commitRtp' | 'commitRtcp'>
  readonly playout: Playout
  /** What the answer named. */
  readonly codec: AudioCodec
  readonly ssrc: number
  readonly cname: string
  /** Random starts of the outgoing stream, RFC 3550 section 5.1. */
  readonly firstSequence: number
  readonly firstTimestamp: number
  /** The packet memory. */
  readonly memory: Uint8Array
  /** Takes microphone audio, decoded or as packets. */
  readonly listener: AudioListener
}

/** What became of a call's audio so far; percentages and times are of the last report or packet. */
export interface AudioStatistics {
  readonly codec: AudioCodec['name']
  readonly packetsReceived: number
  readonly packetsSent: number
  /** Packets that never came, or came too late to be played. */
  readonly lost: number
  readonly late: number
  readonly duplicate: number
  /** Packets that came in too large a burst to be kept. */
  readonly overflowed: number
  /** Packets that stand for the lost ones: made up, or recovered from FEC or RED. */
  readonly concealed: number
  readonly fecRecovered: number
  readonly redRecovered: number
  readonly undecodable: number
  readonly jitterMillis: number
  readonly targetDelayMillis: number
  readonly roundTripMillis: number | undefined
  /** What the client reports of our audio. */
  readonly remoteLossPercent: number | undefined
  readonly remoteJitterMillis: number | undefined
}

/** The audio of one call. */
export class CallAudio {
  readonly #options: CallAudioOptions
  readonly #memory: Uint8Array
  readonly #payloadType: number
  readonly #redPayloadType: number | undefined
  readonly #receiver: AudioReceiver
  readonly #sender: AudioSender
  readonly #reports: Reports
  #reportAt = 0

  constructor(options: CallAudioOptions) {
    const { name, payloadType, redPayloadType } = options.codec
    this.#options = options
    this.#memory = options.memory
    this.#payloadType = payloadType
    this.#redPayloadType = redPayloadType
    const codec = CALL_CODECS[name]
    const { format } = codec
    const createDecoder = () => codec.createDecoder()
    const { listener } = options
    this.#receiver = new AudioReceiver({ payloadType, redPayloadType, format, createDecoder, listener })
    this.#sender = new AudioSender({ ...options, codec, payloadType, clockRateHz: format.clockRateHz })
    this.#reports = new Reports(options.ssrc, format.clockRateHz)
    this.#sender.expectLoss(this.#reports.expectedLossPercent)
  }

  /** True once some that is not silence has been sent. */
  get hasSpoken(): boolean {
    return this.#sender.hasSpoken
  }

  /** What became of the audio so far. */
  get statistics(): AudioStatistics {
    const { buffer, concealed, fecRecovered, redRecovered, undecodable } = this.#receiver
    const { packetsReceived, jitterMillis, roundTripMillis } = this.#reports
    return {
      codec: this.#options.codec.name,
      packetsReceived,
      packetsSent: this.#sender.packetCount,
      lost: buffer.lost,
      late: buffer.late,
      duplicate: buffer.duplicates,
      overflowed: buffer.overflowed,
      concealed,
      fecRecovered,
      redRecovered,
      undecodable,
      jitterMillis,
      targetDelayMillis: buffer.targetDelayMillis,
      roundTripMillis,
      remoteLossPercent: this.#reports.remoteLossPercent,
      remoteJitterMillis: this.#reports.remoteJitterMillis,
    }
  }

  /** Takes a decrypted RTP packet. */
  handleRtp(start: number, length: number, now: Millis): TransceiverDrop | undefined {
    const fault = RTP.read(this.#memory, start, length)
    if (fault !== undefined) return fault
    if (RTP.payloadType !== this.#payloadType && RTP.payloadType !== this.#redPayloadType) {
      return 'rtp-payload-type'
    }
    this.#reports.handleRtp(RTP, now)
    return this.#receiver.handleRtp(RTP, this.#memory, now)
  }

  /** Takes a decrypted RTCP compound packet. */
  handleRtcp(start: number, length: number, now: Millis): TransceiverDrop | undefined {
    const packets = parseRtcp(this.#options.memory.subarray(start, start + length))
    if (typeof packets === 'string') return packets
    for (const packet of packets) this.#reports.handleRtcp(packet, epochMillisNow(), now)
    this.#sender.expectLoss(this.#reports.expectedLossPercent)
    return undefined
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#receiver.prefetch() + this.#sender.prefetch() + this.#reports.prefetch() + this.#reportAt
  }

  /** Hands on one frame of what was heard, sends one frame of what is to be said. */
  tick(frame: number, due: number, now: Millis): void {
    for (let i = 0; i < due; i++) {
      this.#receiver.tick(now)
      this.#sender.tick(frame + i)
    }
    if (now >= this.#reportAt) this.#report(now)
  }

  /** Tells the client that nothing more will come; one that was never sent anything is told nothing (section 6.3.7). */
  sendBye(now: Millis): void {
    if (this.#sender.packetCount > 0) this.#send(this.#reports.makeBye(this.#sender, epochMillisNow(), now))
  }

  /** Frees the codecs. */
  close(): void {
    this.#receiver.close()
    this.#sender.close()
  }

  #report(now: Millis): void {
    if (!this.#options.peer.isConnected) return
    this.#reportAt = now + REPORT_INTERVAL
    this.#send(this.#reports.makeReport(this.#sender, epochMillisNow(), now))
  }

  #send(packets: readonly RtcpPacket[]): void {
    const { peer, memory } = this.#options
    const bytes = encodeRtcp(packets)
    const start = peer.beginPacket(bytes.length)
    if (start < 0) return
    memory.set(bytes, start)
    peer.commitRtcp(start, bytes.length)
  }
}

/** The view of all calls of this thread. */
const RTP = new RtpView()
/** Interval of reports; RFC 3550 section 6.2 allows less than 5 s for so little traffic. */
const REPORT_INTERVAL = 1000
