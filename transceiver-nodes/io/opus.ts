/**
 * Opus (RFC 6716) between RTP payloads and the backend's 24 kHz mono PCM16: libopus, as @evan/opus carries it,
 * native where it has a binary and WebAssembly elsewhere.
 *
 * A decoder takes packets of any duration, mode and bandwidth; libopus itself resamples, and mixes stereo down.
 * The library has no way to decode in-band FEC, so a lost frame is concealed even when its successor carries
 * it; it conceals no call by itself either, but a packet of one byte makes it (`lostFrameToc`).
 */

import { Decoder, Encoder } from '@evan/opus'

import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { MAX_PAYLOAD_BYTES } from '../core/media/jitter-buffer.ts'
import { lostFrameToc } from '../core/media/opus-packet.ts'

/** Why a packet could not be decoded. */
export type OpusFault = 'opus-empty' | 'opus-oversized' | 'opus-invalid'

/** Decodes one stream. */
export interface OpusDecoder {
  /** Returns the packet's samples, 60 to 2,880, in a new array, or why there are none; a fault changes nothing. */
  decode(packet: Uint8Array): Int16Array | OpusFault
  /** Returns 20 ms that stand for a packet which did not arrive: the sound before, fading; silence at the start. */
  conceal(): Int16Array
  /** Frees the decoder; it must not be used again. */
  close(): void
}

/** How an encoder weighs bitrate, CPU and robustness. */
export interface OpusEncoderOptions {
  readonly bitrate: number
  /** 0 to 10: quality against CPU. */
  readonly complexity: OpusComplexity
  /** Repeats each frame coarsely in the next packet, as far as the expected loss warrants. */
  readonly inbandFec: boolean
  readonly expectedLossPercent: number
}

export type OpusComplexity = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10

/** Encodes one stream. */
export interface OpusEncoder {
  /** Returns the packet for one frame of 20 ms; throws a RangeError for any other number of samples. */
  encode(samples: Int16Array): Uint8Array
  /** Frees the encoder; it must not be used again. */
  close(): void
}

/** Opens a decoder for 24 kHz mono. */
export function createOpusDecoder(): OpusDecoder {
  const decoder = new Decoder({ channels: 1, sample_rate: BACKEND_SAMPLE_RATE_HZ })
  const lostFrame = Uint8Array.of(lostFrameToc(0))
  return {
    decode(packet) {
      if (packet.length === 0) return 'opus-empty'
      if (packet.length > MAX_PAYLOAD_BYTES) return 'opus-oversized'
      const samples = decodeOrFault(decoder, packet)
      if (typeof samples !== 'string') lostFrame[0] = lostFrameToc(packet[0] ?? 0)
      return samples
    },
    conceal() {
      const samples = decodeOrFault(decoder, lostFrame)
      return typeof samples === 'string' ? new Int16Array(FRAME_SAMPLES) : samples
    },
    close: () => drop(decoder),
  }
}

/** Opens an encoder for 24 kHz mono speech. */
export function createOpusEncoder(options: OpusEncoderOptions): OpusEncoder {
  const encoder = new Encoder({ channels: 1, sample_rate: BACKEND_SAMPLE_RATE_HZ, application: 'voip' })
  encoder.bitrate = options.bitrate
  encoder.complexity = options.complexity
  encoder.inband_fec = options.inbandFec
  encoder.packet_loss = options.expectedLossPercent
  return {
    encode(samples) {
      if (samples.length !== FRAME_SAMPLES) throw new RangeError(`a frame has ${FRAME_SAMPLES} samples`)
      return encoder.encode(samples)
    },
    close: () => drop(encoder),
  }
}

/** libopus reports bad packets by its return value, which the library turns into an exception. */
function decodeOrFault(decoder: Decoder, packet: Uint8Array): Int16Array | OpusFault {
  try {
    const bytes = decoder.decode(packet)
    return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
  } catch {
    return 'opus-invalid'
  }
}

/** The WebAssembly build frees its memory here; the native one when it is collected. */
function drop(codec: Decoder | Encoder): void {
  ;(codec as { drop?: () => void }).drop?.()
}

/** Samples of 20 ms. */
export const FRAME_SAMPLES = BACKEND_SAMPLE_RATE_HZ / 50
