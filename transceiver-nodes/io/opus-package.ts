/**
 * libopus as @evan/opus carries it, native where it has a binary and WebAssembly elsewhere: for machines without
 * a libopus of their own.
 *
 * The package has no way to decode in-band FEC, allocates for each frame, and conceals nothing by itself, but a
 * packet of one byte makes it (`lostFrameToc`).
 */

import { Decoder, Encoder } from '@evan/opus'

import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { lostFrameToc } from '../core/media/opus-packet.ts'
import { FRAME_MILLIS, FRAME_SAMPLES } from '../core/media/pacer.ts'
import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'
import type { OpusEncoderOptions, OpusLibrary } from './opus-library.ts'

/** The build of libopus in @evan/opus. */
export const OPUS_PACKAGE: OpusLibrary = {
  name: '@evan/opus',
  createDecoder: () => new PackageDecoder(),
  createEncoder: (options) => new PackageEncoder(options),
}

class PackageDecoder implements VoiceDecoder {
  readonly #decoder = new Decoder({ channels: 1, sample_rate: BACKEND_SAMPLE_RATE_HZ })
  readonly #lostFrame = Uint8Array.of(lostFrameToc(0))

  decode(memory: Uint8Array, start: number, length: number): Int16Array | undefined {
    if (length < 1 || start + length > memory.length) return undefined
    const samples = this.#decode(memory.subarray(start, start + length))
    if (samples !== undefined) this.#lostFrame[0] = lostFrameToc(memory[start] ?? 0)
    return samples
  }

  recover(): undefined {
    return undefined
  }

  conceal(durationMillis: number): Int16Array {
    const frames = Math.max(1, Math.round(durationMillis / FRAME_MILLIS))
    const concealed = new Int16Array(frames * FRAME_SAMPLES)
    for (let frame = 0; frame < frames; frame++) {
      concealed.set(this.#decode(this.#lostFrame) ?? EMPTY, frame * FRAME_SAMPLES)
    }
    return concealed
  }

  close(): void {
    drop(this.#decoder)
  }

  /** libopus reports bad packets by its return value, which the package turns into an exception. */
  #decode(packet: Uint8Array): Int16Array | undefined {
    try {
      const bytes = this.#decoder.decode(packet)
      return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
    } catch {
      return undefined
    }
  }
}

class PackageEncoder implements VoiceEncoder {
  readonly #encoder = new Encoder({
    channels: 1,
    sample_rate: BACKEND_SAMPLE_RATE_HZ,
    application: 'voip',
  })

  constructor(options: OpusEncoderOptions) {
    this.#encoder.bitrate = options.bitrate
    this.#encoder.complexity = options.complexity
    this.#encoder.inband_fec = options.inbandFec
    this.#encoder.dtx = options.dtx
    this.expectLoss(options.expectedLossPercent)
  }

  encode(samples: Int16Array, memory: Uint8Array, start: number, room: number): number {
    if (samples.length !== FRAME_SAMPLES) throw new RangeError(`a frame has ${FRAME_SAMPLES} samples`)
    const packet = this.#encoder.encode(samples)
    if (packet.length > room) throw new RangeError('there is no such room')
    memory.set(packet, start)
    return packet.length
  }

  expectLoss(percent: number): void {
    this.#encoder.packet_loss = percent
  }

  close(): void {
    drop(this.#encoder)
  }
}

/** The WebAssembly build frees its memory here; the native one when it is collected. */
function drop(codec: Decoder | Encoder): void {
  ;(codec as { drop?: () => void }).drop?.()
}

const EMPTY = new Int16Array(0)
