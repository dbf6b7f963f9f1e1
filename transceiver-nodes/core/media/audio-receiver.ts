/**
 * What a client says, from RTP packets to the backend: order, loss, silence. docs/audio.md.
 *
 * A backend takes sound, which is decoded here, or the packets as they are. Either way it is told of every 20 ms
 * that the client has lived through: what was lost is recovered from the next packet or concealed (or an empty
 * packet stands for it), and where the client sends nothing, it hears silence.
 */

import type { BackendSession } from '../../backends/backend.ts'
import type { RtpView } from '#shared/packet/rtp'
import type { Millis } from '#shared/time'
import { JitterBuffer } from './jitter-buffer.ts'
import type { JitterVerdict } from './jitter-buffer.ts'
import { FRAME_MILLIS, FRAME_SAMPLES } from './pacer.ts'
import type { PacketFormat, PacketFormatFault } from './packet-format.ts'
import { payloadView } from './payload-view.ts'
import type { DelayBounds } from './playout-delay.ts'
import { RedView } from './red.ts'
import type { RedFault } from './red.ts'
import type { VoiceDecoder } from './voice-codec.ts'

/** Who hears the client. */
export type AudioListener = Pick<BackendSession, 'inputFormat' | 'handleAudio' | 'handlePacket'>

/** Why a packet is not taken. */
export type ReceiverDrop =
  PacketFormatFault | RedFault | 'rtp-payload-type' | `rtp-${Exclude<JitterVerdict, 'held'>}`

/** What a receiver is made of. */
export interface AudioReceiverOptions {
  readonly payloadType: number
  /** Undefined: the offer has no RED for the codec. */
  readonly redPayloadType: number | undefined
  readonly format: PacketFormat
  /** Opens the decoder, when the first packet is to be decoded. */
  readonly createDecoder: () => VoiceDecoder
  readonly listener: AudioListener
  /** Equal ones switch the adaptation of the delay off. */
  readonly delayBounds?: DelayBounds
}

/** Receives one stream. */
export class AudioReceiver {
  /** Frames made up because nothing told what they were. */
  concealed = 0
  /** Frames decoded from what their successor repeats, and from a copy (RED). */
  fecRecovered = 0
  redRecovered = 0
  /** Packets that were no sound to the decoder. */
  undecodable = 0

  readonly buffer: JitterBuffer
  readonly #payloadType: number
  readonly #redPayloadType: number | undefined
  readonly #format: PacketFormat
  readonly #listener: AudioListener
  readonly #createDecoder: () => VoiceDecoder
  #decoder: VoiceDecoder | undefined
  #hasHeard = false
  /** The sender has said that it will be silent. */
  #isQuiet = false
  #emptyFrames = 0
  /** Time that silence has filled and for which packets may yet turn out to be missing. */
  #filledMillis = 0

  constructor(options: AudioReceiverOptions) {
    this.#payloadType = options.payloadType
    this.#redPayloadType = options.redPayloadType
    this.#format = options.format
    this.#listener = options.listener
    this.#createDecoder = options.createDecoder
    this.buffer = new JitterBuffer(options.format.clockRateHz, options.delayBounds)
  }

  /** Takes the packet that `rtp` has read in `memory`. */
  handleRtp(rtp: RtpView, memory: Uint8Array, now: Millis): ReceiverDrop | undefined {
    const drop =
      rtp.payloadType === this.#payloadType
        ? this.#handlePacket(rtp, memory, now)
        : rtp.payloadType === this.#redPayloadType
          ? this.#handleRed(rtp, memory, now)
          : 'rtp-payload-type'
    if (this.buffer.isCrowded) this.#handDue(now)
    return drop
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.buffer.prefetch() + this.#filledMillis + Number(this.#listener.inputFormat === 'codec')
  }

  /** Hands on what is due; to be called every 20 ms. */
  tick(now: Millis): void {
    if (!this.#hasHeard || this.#handDue(now)) return
    this.#emptyFrames++
    if (this.#isQuiet || this.#emptyFrames > MAX_EMPTY_FRAMES) this.#fill()
  }

  /** Frees the decoder. */
  close(): void {
    this.#decoder?.close()
    this.#decoder = undefined
  }

  #handlePacket(
    packet: Pick<RtpView, 'sequence' | 'timestamp' | 'ssrc' | 'payloadStart' | 'payloadLength'>,
    memory: Uint8Array,
    now: Millis,
  ): ReceiverDrop | undefined {
    const format = this.#format
    const fault = format.read(memory, packet.payloadStart, packet.payloadLength)
    if (fault !== undefined) return fault
    this.#hasHeard = true
    const verdict = this.buffer.push(packet, memory, format.durationMillis, now)
    return verdict === 'held' ? undefined : `rtp-${verdict}`
  }

  /** The packet's own sound first: it tells where the stream stands. */
  #handleRed(rtp: RtpView, memory: Uint8Array, now: Millis): ReceiverDrop | undefined {
    const red = RED
    const fault = red.read(memory, rtp.payloadStart, rtp.payloadLength)
    if (fault !== undefined) return fault
    const own = red.blockCount - 1
    if (red.payloadTypes[own] !== this.#payloadType) return 'rtp-payload-type'
    const drop = this.#handlePacket(this.#block(rtp, own), memory, now)
    for (let block = 0; block < own; block++) this.#handleCopy(rtp, block, memory, now)
    return drop
  }

  /** The copies are of the packets just before, one each. */
  #handleCopy(rtp: RtpView, block: number, memory: Uint8Array, now: Millis): void {
    const format = this.#format
    const copy = this.#block(rtp, block)
    if (RED.payloadTypes[block] !== this.#payloadType) return
    if (format.read(memory, copy.payloadStart, copy.payloadLength) !== undefined) return
    this.buffer.pushCopy(copy, memory, format.durationMillis, now)
  }

  #block(rtp: RtpView, block: number): Parameters<AudioReceiver['buffer']['push']>[0] {
    const { blockCount, timestampOffsets, starts, lengths } = RED
    BLOCK.sequence = (rtp.sequence - (blockCount - 1 - block)) & 0xffff
    BLOCK.timestamp = (rtp.timestamp - (timestampOffsets[block] ?? 0)) >>> 0
    BLOCK.ssrc = rtp.ssrc
    BLOCK.payloadStart = starts[block] ?? 0
    BLOCK.payloadLength = lengths[block] ?? 0
    return BLOCK
  }

  /** Hands on all that is due: a packet may last longer or shorter than a frame. False: nothing is. */
  #handDue(now: Millis): boolean {
    let popped = this.buffer.pop(now)
    if (popped === 'empty') return false
    for (; popped !== 'empty'; popped = this.buffer.pop(now)) {
      if (popped === 'packet') this.#handPacket()
      else this.#handMissing()
    }
    this.#emptyFrames = 0
    return true
  }

  #handPacket(): void {
    const { memory, payloadStart, payloadLength, durationMillis, isCopy } = this.buffer
    const [listener, format] = [this.#listener, this.#format]
    this.#filledMillis = 0
    if (isCopy) this.redRecovered++
    format.read(memory, payloadStart, payloadLength)
    this.#isQuiet = format.isDtx
    if (listener.inputFormat === 'codec') {
      listener.handlePacket(payloadView(memory, payloadStart, payloadLength), durationMillis)
      return
    }
    const samples = this.#openDecoder().decode(memory, payloadStart, payloadLength)
    if (samples === undefined) this.undecodable++
    listener.handleAudio(samples ?? this.#openDecoder().conceal(durationMillis))
  }

  #handMissing(): void {
    const { durationMillis } = this.buffer
    if (this.#filledMillis >= durationMillis) {
      this.#filledMillis -= durationMillis
      return
    }
    if (this.#listener.inputFormat === 'codec') return this.#handNothing(durationMillis)
    const recovered = this.#recover()
    if (recovered === undefined) this.concealed++
    else this.fecRecovered++
    this.#listener.handleAudio(recovered ?? this.#openDecoder().conceal(durationMillis))
  }

  #recover(): Int16Array | undefined {
    const { memory, payloadStart, payloadLength, durationMillis } = this.buffer
    const format = this.#format
    if (format.read(memory, payloadStart, payloadLength) !== undefined || !format.hasFec) return undefined
    return this.#openDecoder().recover(memory, payloadStart, payloadLength, durationMillis)
  }

  /** Silence while nothing comes: what a decoder makes of it after DTX, and none at all when it is the network. */
  #fill(): void {
    const listener = this.#listener
    this.#filledMillis += FRAME_MILLIS
    if (listener.inputFormat === 'codec') return listener.handlePacket(NOTHING, FRAME_MILLIS)
    listener.handleAudio(this.#isQuiet ? this.#openDecoder().conceal(FRAME_MILLIS) : SILENCE)
  }

  #handNothing(durationMillis: number): void {
    this.concealed++
    this.#listener.handlePacket(NOTHING, durationMillis)
  }

  #openDecoder(): VoiceDecoder {
    this.#decoder ??= this.#createDecoder()
    return this.#decoder
  }
}

/** A client that sends nothing for longer is taken to be silent, so that turns end: longer than any packet lasts. */
const MAX_EMPTY_FRAMES = 10

/** The views of all receivers of this thread. */
const RED = new RedView()
const BLOCK = { sequence: 0, timestamp: 0, ssrc: 0, payloadStart: 0, payloadLength: 0 }

const SILENCE = new Int16Array(FRAME_SAMPLES)
const NOTHING = new Uint8Array(0)
