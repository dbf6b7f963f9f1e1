/**
 * What is said to a client: from the playout queue to RTP, one packet of 20 ms per frame. RFC 3550, RFC 7587.
 *
 * Every frame makes a packet: while there is nothing to say, one of silence, which costs no encoding and keeps the
 * client's clock, NAT and audio element alive.
 */

import { RTP_HEADER_BYTES, writeRtpHeader } from '#shared/packet/rtp'
import { FRAME_SAMPLES, rtpTimestampOf } from '../core/media/pacer.ts'
import type { Playout } from '../core/media/playout.ts'
import type { SentAudio } from '../core/media/reports.ts'
import type { VoiceEncoder } from '../core/media/voice-codec.ts'
import type { CallCodec } from './call-codec.ts'
import type { Peer } from './peer.ts'

/** What a sender is made of. */
export interface AudioSenderOptions {
  readonly peer: Pick<Peer, 'isConnected' | 'beginPacket' | 'commitRtp'>
  readonly playout: Playout
  readonly codec: CallCodec
  readonly clockRateHz: number
  readonly payloadType: number
  readonly ssrc: number
  readonly cname: string
  /** Random starts of the stream, RFC 3550 section 5.1. */
  readonly firstSequence: number
  readonly firstTimestamp: number
  /** The packet memory. */
  readonly memory: Uint8Array
}

/** Sends one stream. */
export class AudioSender implements SentAudio {
  readonly ssrc: number
  readonly cname: string
  timestamp = 0
  packetCount = 0
  octetCount = 0
  /** True once audio that is not silence has been sent. */
  hasSpoken = false

  readonly #peer: AudioSenderOptions['peer']
  readonly #playout: Playout
  readonly #codec: CallCodec
  /** The packet memory. */
  readonly #memory: Uint8Array
  readonly #payloadType: number
  readonly #firstTimestamp: number
  readonly #clockRateHz: number
  #encoder: VoiceEncoder | undefined
  #expectedLossPercent = 0
  #sequence: number
  #wasSpeaking = false

  constructor(options: AudioSenderOptions) {
    this.#peer = options.peer
    this.#playout = options.playout
    this.#codec = options.codec
    this.#memory = options.memory
    this.#payloadType = options.payloadType
    this.#firstTimestamp = options.firstTimestamp
    this.#clockRateHz = options.clockRateHz
    this.ssrc = options.ssrc
    this.cname = options.cname
    this.#sequence = options.firstSequence
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#sequence + this.timestamp + this.octetCount
  }

  /** Sends the packet of `frame`. */
  tick(frame: number): void {
    if (!this.#peer.isConnected) return
    const pulled = this.#playout.pull(FRAME)
    const isSpeaking = pulled !== 'idle'
    this.timestamp = rtpTimestampOf(frame, this.#firstTimestamp, this.#clockRateHz)
    this.#sendPulled(pulled, isSpeaking && !this.#wasSpeaking)
    this.#wasSpeaking = isSpeaking
    if (isSpeaking) this.hasSpoken = true
  }

  /** Says how many percent of the packets the client reports as lost. */
  expectLoss(percent: number): void {
    if (percent === this.#expectedLossPercent) return
    this.#expectedLossPercent = percent
    this.#encoder?.expectLoss(percent)
  }

  /** Frees the encoder. */
  close(): void {
    this.#encoder?.close()
    this.#encoder = undefined
  }

  #sendPulled(pulled: ReturnType<Playout['pull']>, isTalkspurt: boolean): void {
    if (pulled === 'audio') {
      const length = this.#openEncoder().encode(FRAME, ENCODED, 0, ENCODED.length)
      this.#send(ENCODED, 0, length, isTalkspurt)
    } else if (pulled === 'packet') {
      const { memory, start, length } = this.#playout.packet
      this.#send(memory, start, length, isTalkspurt)
    } else {
      const { silence } = this.#codec
      this.#send(silence, 0, silence.length, isTalkspurt)
    }
  }

  #send(payload: Uint8Array, from: number, payloadLength: number, isTalkspurt: boolean): void {
    const memory = this.#memory
    const length = RTP_HEADER_BYTES + payloadLength
    const start = this.#peer.beginPacket(length)
    if (start < 0) return
    writeRtpHeader(memory, start, this.#payloadType, isTalkspurt, this.#sequence, this.timestamp, this.ssrc)
    // A loop, because `set` would want a view of each length.
    const to = start + RTP_HEADER_BYTES
    for (let i = 0; i < payloadLength; i++) memory[to + i] = payload[from + i] ?? 0
    this.#peer.commitRtp(start, length)
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.packetCount++
    this.octetCount += payloadLength
  }

  /** An encoder is opened with the first frame that wants one: a call that passes packets through has none. */
  #openEncoder(): VoiceEncoder {
    if (this.#encoder === undefined) {
      this.#encoder = this.#codec.createEncoder()
      this.#encoder.expectLoss(this.#expectedLossPercent)
    }
    return this.#encoder
  }
}

/** Where all playouts of this thread write a frame of samples. */
const FRAME = new Int16Array(FRAME_SAMPLES)
/** Where all encoders of this thread write: far more than 20 ms take at the bitrate. */
const ENCODED = new Uint8Array(new ArrayBuffer(400))
