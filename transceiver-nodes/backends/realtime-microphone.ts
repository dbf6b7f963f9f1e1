/**
 * The microphone's way to a `realtime` backend: `input_audio_buffer.append` with 24 kHz PCM16 or G.711 in base64, or
 * Opus packets as binary messages (shared/realtime/audio-frame.ts). docs/backends.md.
 *
 * Audio is live: what the backend is too slow for is dropped, not queued.
 */

import {
  AUDIO_FRAME_HEADER_BYTES,
  MICROPHONE_PART,
  writeAudioFrameHeader,
} from '#shared/realtime/audio-frame'
import { BACKEND_SAMPLE_RATE_HZ } from './backend.ts'
import type { ClientCodec } from './backend.ts'
import { MAX_PACKET_BYTES } from '../core/media/playout.ts'
import { G711_OCTETS_PER_MILLI, G711_SILENCE } from '../core/realtime/packet-slicer.ts'

/** Batches audio and hands `send` whole messages; binary ones are valid during the call only. */
export class RealtimeMicrophone {
  readonly #codec: ClientCodec
  readonly #send: (message: string | Uint8Array) => void
  readonly #samples = new Int16Array(MAX_BATCH_MILLIS * SAMPLES_PER_MILLI)
  readonly #bytes = Buffer.from(this.#samples.buffer)
  readonly #frame = new Uint8Array(AUDIO_FRAME_HEADER_BYTES + MAX_PACKET_BYTES)
  #filledBytes = 0
  #sequence = 0

  constructor(codec: ClientCodec, send: (message: string | Uint8Array) => void) {
    this.#codec = codec
    this.#send = send
  }

  /** Takes decoded audio. */
  handleAudio(samples: Int16Array): void {
    if (this.#filledBytes + samples.byteLength > this.#bytes.length) this.#flush()
    this.#samples.set(samples, this.#filledBytes / SAMPLE_BYTES)
    this.#fill(samples.byteLength, BATCH_MILLIS * SAMPLES_PER_MILLI * SAMPLE_BYTES)
  }

  /** Takes a packet of the call's codec; an empty one stands for a lost one. */
  handlePacket(payload: Uint8Array, durationMillis: number): void {
    if (this.#codec === 'opus') return this.#sendFrame(payload, durationMillis)
    const octets = payload.length > 0 ? payload.length : durationMillis * G711_OCTETS_PER_MILLI
    if (this.#filledBytes + octets > this.#bytes.length) this.#flush()
    if (payload.length > 0) this.#bytes.set(payload, this.#filledBytes)
    else this.#bytes.fill(G711_SILENCE[this.#codec], this.#filledBytes, this.#filledBytes + octets)
    this.#fill(octets, BATCH_MILLIS * G711_OCTETS_PER_MILLI)
  }

  #fill(bytes: number, batchBytes: number): void {
    this.#filledBytes += bytes
    if (this.#filledBytes >= batchBytes) this.#flush()
  }

  #flush(): void {
    if (this.#filledBytes === 0) return
    const audio = this.#bytes.toString('base64', 0, this.#filledBytes)
    this.#filledBytes = 0
    this.#send(`{"type":"input_audio_buffer.append","audio":"${audio}"}`)
  }

  /** A frame that was not sent leaves a gap in the sequence, which tells the backend. */
  #sendFrame(payload: Uint8Array, durationMillis: number): void {
    if (payload.length > MAX_PACKET_BYTES) return
    writeAudioFrameHeader(
      this.#frame,
      payload.length === 0,
      durationMillis,
      this.#sequence++,
      MICROPHONE_PART,
    )
    this.#frame.set(payload, AUDIO_FRAME_HEADER_BYTES)
    this.#send(this.#frame.subarray(0, AUDIO_FRAME_HEADER_BYTES + payload.length))
  }
}

const SAMPLE_BYTES = Int16Array.BYTES_PER_ELEMENT
const SAMPLES_PER_MILLI = BACKEND_SAMPLE_RATE_HZ / 1000
/** Audio leaves as soon as this much is there: a turn's end is seen no later than the packets allow. */
const BATCH_MILLIS = 20
/** Room for a batch that is nearly full and the longest packet there is, 120 ms (RFC 6716 section 3.2.5). */
const MAX_BATCH_MILLIS = 140
