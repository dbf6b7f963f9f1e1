/**
 * G.711 (RFC 3551 section 4.5.14) between RTP payloads and the backend's 24 kHz mono PCM16: docs/audio.md.
 *
 * The companding is alawmulaw's, the change of rate SpeexDSP's. What is lost is concealed at 8 kHz.
 */

// oxlint-disable-next-line import/default -- CommonJS for Node, whatever else the package holds
import g711 from 'alawmulaw'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { G711_RATE_HZ } from '../core/media/g711-packet.ts'
import { FRAME_SAMPLES } from '../core/media/pacer.ts'
import { PitchRepeater } from '../core/media/pitch-repeater.ts'
import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'
import { Resampler } from './resampler.ts'

/** The two laws of G.711. */
export type G711Law = 'pcmu' | 'pcma'

/** Opens a decoder. */
export function createG711Decoder(law: G711Law): VoiceDecoder {
  return new G711Decoder(law)
}

/** Opens an encoder. */
export function createG711Encoder(law: G711Law): VoiceEncoder {
  return new G711Encoder(law)
}

/** Returns 20 ms of silence as a packet. */
export function g711Silence(law: G711Law): Uint8Array {
  return new Uint8Array(FRAME_BYTES).fill(LAWS[law].encodeSample(0))
}

class G711Decoder implements VoiceDecoder {
  readonly #linear: Int16Array
  readonly #repeater = new PitchRepeater()
  readonly #upsampler = new Resampler(G711_RATE_HZ, BACKEND_SAMPLE_RATE_HZ, RESAMPLING_QUALITY)

  constructor(law: G711Law) {
    this.#linear = LINEAR[law]
  }

  decode(memory: Uint8Array, start: number, length: number): Int16Array | undefined {
    if (length < 1 || length > MAX_PACKET_BYTES || start + length > memory.length) return undefined
    const narrow = narrowOf(length)
    for (let i = 0; i < length; i++) narrow[i] = this.#linear[memory[start + i] ?? 0] ?? 0
    this.#repeater.hear(narrow)
    return this.#upsampler.push(narrow)
  }

  /** G.711 repeats nothing. */
  recover(): undefined {
    return undefined
  }

  conceal(durationMillis: number): Int16Array {
    const samples = Math.round((durationMillis * G711_RATE_HZ) / 1000)
    const narrow = narrowOf(Math.min(Math.max(1, samples), MAX_PACKET_BYTES))
    this.#repeater.standIn(narrow)
    return this.#upsampler.push(narrow)
  }

  close(): void {
    this.#upsampler.close()
  }
}

class G711Encoder implements VoiceEncoder {
  readonly #encodeSample: (sample: number) => number
  readonly #downsampler = new Resampler(BACKEND_SAMPLE_RATE_HZ, G711_RATE_HZ, RESAMPLING_QUALITY)

  constructor(law: G711Law) {
    this.#encodeSample = LAWS[law].encodeSample
  }

  encode(samples: Int16Array, memory: Uint8Array, start: number, room: number): number {
    if (samples.length !== FRAME_SAMPLES) throw new RangeError(`a frame has ${FRAME_SAMPLES} samples`)
    const narrow = this.#downsampler.push(samples)
    if (room < narrow.length || start + room > memory.length) throw new RangeError('there is no such room')
    for (let i = 0; i < narrow.length; i++) memory[start + i] = this.#encodeSample(narrow[i] ?? 0)
    return narrow.length
  }

  /** G.711 has nothing to allow for it with. */
  expectLoss(): void {}

  close(): void {
    this.#downsampler.close()
  }
}

/** Returns the memory that all decoders of this thread decode into; a view is kept for the usual length. */
function narrowOf(length: number): Int16Array {
  return length === FRAME_BYTES ? NARROW_FRAME : NARROW.subarray(0, length)
}

const LAWS = { pcmu: g711.mulaw, pcma: g711.alaw } as const

/** What each byte stands for. */
const LINEAR: Readonly<Record<G711Law, Int16Array>> = {
  pcmu: Int16Array.from({ length: 256 }, (_, byte) => g711.mulaw.decodeSample(byte)),
  pcma: Int16Array.from({ length: 256 }, (_, byte) => g711.alaw.decodeSample(byte)),
}

/** 20 ms, and 120, which `G711PacketView` allows. */
const FRAME_BYTES = G711_RATE_HZ / 50
const MAX_PACKET_BYTES = FRAME_BYTES * 6

const NARROW = new Int16Array(MAX_PACKET_BYTES)
const NARROW_FRAME = NARROW.subarray(0, FRAME_BYTES)

/** Speex's setting for VoIP. */
const RESAMPLING_QUALITY = 3
