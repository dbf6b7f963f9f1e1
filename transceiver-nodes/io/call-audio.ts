/**
 * The audio of one call, both ways: RTP to 24 kHz PCM through the jitter buffer, and from the playout queue back
 * to RTP, one 20 ms frame at a time. RFC 3550, RFC 7587.
 *
 * Every frame is answered by a packet: while the agent has nothing to say, by Opus silence, which costs no
 * encoding and keeps the client's clock, NAT and audio element alive.
 */

import { encodeRtcp, ntpOf, parseRtcp } from '#shared/packet/rtcp'
import type { RtcpPacket } from '#shared/packet/rtcp'
import { RTP_HEADER_BYTES, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { epochMillisNow } from '#shared/platform/clock'
import type { Millis } from '#shared/time'
import type { TransceiverDrop } from './drops.ts'
import { JitterBuffer } from '../core/media/jitter-buffer.ts'
import { OpusPacketView } from '../core/media/opus-packet.ts'
import { FRAME_MILLIS, FRAME_SAMPLES, rtpTimestampOf } from '../core/media/pacer.ts'
import type { Playout } from '../core/media/playout.ts'
import { Reception } from '../core/media/reception.ts'
import { createOpusDecoder, createOpusEncoder } from './opus.ts'
import type { Peer } from './peer.ts'

/** What a call's audio is made of. */
export interface CallAudioOptions {
  readonly peer: Peer
  readonly playout: Playout
  /** Payload type of Opus in the offer. */
  readonly payloadType: number
  readonly ssrc: number
  readonly cname: string
  /** Random starts of the outgoing stream, RFC 3550 section 5.1. */
  readonly firstSequence: number
  readonly firstTimestamp: number
  /** The packet memory. */
  readonly memory: Uint8Array
  /** Takes each frame of microphone audio. */
  readonly onAudio: (samples: Int16Array) => void
}

/** The audio of one call. */
export class CallAudio {
  readonly #options: CallAudioOptions
  readonly #rtp = new RtpView()
  readonly #opus = new OpusPacketView()
  readonly #jitterBuffer = new JitterBuffer()
  readonly #decoder = createOpusDecoder()
  readonly #encoder = createOpusEncoder()
  readonly #frame = new Int16Array(FRAME_SAMPLES)
  #reception: Reception | undefined
  #sequence: number
  #timestamp = 0
  #packetCount = 0
  #octetCount = 0
  #wasSpeaking = false
  #payload: Uint8Array = OPUS_SILENCE
  #payloadLength = OPUS_SILENCE.length
  #emptyFrames = 0
  #reportAt = 0

  constructor(options: CallAudioOptions) {
    this.#options = options
    this.#sequence = options.firstSequence
  }

  /** True once audio has arrived, and once some that is not silence has been sent. */
  hasHeard = false
  hasSpoken = false

  /** Takes a decrypted RTP packet. */
  handleRtp(start: number, length: number, now: Millis): TransceiverDrop | undefined {
    const { memory, payloadType } = this.#options
    const rtp = this.#rtp
    const fault = rtp.read(memory, start, length)
    if (fault !== undefined) return fault
    if (rtp.payloadType !== payloadType) return 'rtp-payload-type'
    if (this.#reception?.ssrc !== rtp.ssrc) this.#reception = new Reception(rtp.ssrc, OPUS_CLOCK_HZ)
    this.#reception.handlePacket(rtp.sequence, rtp.timestamp, now)
    this.hasHeard = true
    const packetFault = this.#opus.read(memory, rtp.payloadStart, rtp.payloadLength)
    if (packetFault !== undefined) return packetFault
    const verdict = this.#jitterBuffer.push(rtp, memory, this.#opus.durationMillis, now)
    return verdict === 'held' ? undefined : `rtp-${verdict}`
  }

  /** Takes a decrypted RTCP compound packet. */
  handleRtcp(start: number, length: number, now: Millis): TransceiverDrop | undefined {
    const packets = parseRtcp(this.#options.memory.subarray(start, start + length))
    if (typeof packets === 'string') return packets
    for (const packet of packets) {
      if (packet.kind === 'sender-report') this.#reception?.handleSenderReport(packet, now)
    }
    return undefined
  }

  /** Hands on one frame of what was heard, sends one frame of what is to be said. */
  tick(frame: number, due: number, now: Millis): void {
    for (let i = 0; i < due; i++) {
      this.#hear(now)
      this.#speak(frame + i)
    }
    if (now >= this.#reportAt) this.#report(now)
  }

  /** Frees the codecs. */
  close(): void {
    this.#decoder.close()
    this.#encoder.close()
  }

  /** Hands on everything that is due: a packet may last longer or shorter than a frame. */
  #hear(now: Millis): void {
    if (!this.hasHeard) return
    let popped = this.#jitterBuffer.pop(now)
    this.#emptyFrames = popped === 'empty' ? this.#emptyFrames + 1 : 0
    if (this.#emptyFrames > MAX_EMPTY_FRAMES) this.#options.onAudio(SILENCE)
    for (; popped !== 'empty'; popped = this.#jitterBuffer.pop(now)) {
      if (popped === 'packet') this.#decode()
      else this.#options.onAudio(this.#decoder.conceal(FRAME_MILLIS))
    }
  }

  #decode(): void {
    const { memory, payloadStart, payloadLength } = this.#jitterBuffer
    const samples = this.#decoder.decode(memory, payloadStart, payloadLength)
    this.#options.onAudio(samples ?? this.#decoder.conceal(FRAME_MILLIS))
  }

  #speak(frame: number): void {
    const { playout, peer } = this.#options
    if (!peer.isConnected) return
    const pulled = playout.pull(this.#frame)
    const isSpeaking = pulled !== 'idle'
    this.#timestamp = rtpTimestampOf(frame, this.#options.firstTimestamp)
    this.#loadPayload(pulled)
    this.#send(isSpeaking && !this.#wasSpeaking)
    this.#wasSpeaking = isSpeaking
    if (isSpeaking) this.hasSpoken = true
  }

  #loadPayload(pulled: ReturnType<Playout['pull']>): void {
    if (pulled === 'audio') {
      this.#payload = ENCODED
      this.#payloadLength = this.#encoder.encode(this.#frame, ENCODED, 0, ENCODED.length)
    } else {
      this.#payload = pulled === 'packet' ? this.#options.playout.packet : OPUS_SILENCE
      this.#payloadLength = this.#payload.length
    }
  }

  #send(isTalkspurt: boolean): void {
    const { peer, memory, payloadType, ssrc } = this.#options
    const length = RTP_HEADER_BYTES + this.#payloadLength
    const start = peer.beginPacket(length)
    if (start < 0) return
    writeRtpHeader(memory, start, payloadType, isTalkspurt, this.#sequence, this.#timestamp, ssrc)
    // A loop, because `set` would want a view of each length.
    const payloadStart = start + RTP_HEADER_BYTES
    for (let i = 0; i < this.#payloadLength; i++) memory[payloadStart + i] = this.#payload[i] ?? 0
    peer.commitRtp(start, length)
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.#packetCount++
    this.#octetCount += this.#payloadLength
  }

  #report(now: Millis): void {
    const { peer, memory, ssrc, cname } = this.#options
    this.#reportAt = now + REPORT_INTERVAL
    const packets: RtcpPacket[] = [
      {
        kind: 'sender-report',
        ssrc,
        ntp: ntpOf(epochMillisNow()),
        rtpTimestamp: this.#timestamp,
        packetCount: this.#packetCount,
        octetCount: this.#octetCount % 2 ** 32,
        reports: this.#reception === undefined ? [] : [this.#reception.report(now)],
      },
      { kind: 'source-description', cnames: [{ ssrc, cname }] },
    ]
    const bytes = encodeRtcp(packets)
    const start = peer.beginPacket(bytes.length)
    if (start < 0) return
    memory.set(bytes, start)
    peer.commitRtcp(start, bytes.length)
  }
}

/** A client that sends nothing for longer is taken to be silent, so that turns end: longer than any packet lasts. */
const MAX_EMPTY_FRAMES = 10
const SILENCE = new Int16Array(FRAME_SAMPLES)
/** The RTP clock of Opus, RFC 7587 section 4.1. */
const OPUS_CLOCK_HZ = 48_000
/** One frame of Opus silence: TOC byte for 20 ms of fullband CELT mono (RFC 6716 section 3.1), and its empty coding. */
const OPUS_SILENCE = new Uint8Array([0xf8, 0xff, 0xfe])
/** Where all encoders of this thread write: far more than 20 ms take at the bitrate. */
const ENCODED = new Uint8Array(new ArrayBuffer(400))
/** Interval of reports; RFC 3550 section 6.2 allows less than 5 s for so little traffic. */
const REPORT_INTERVAL = 1000
