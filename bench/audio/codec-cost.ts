/** What a codec costs for a frame, in CPU time, and what it does to speech. */

import { BACKEND_SAMPLE_RATE_HZ } from '../../transceiver-nodes/backends/backend.ts'
import { FRAME_MILLIS, FRAME_SAMPLES } from '../../transceiver-nodes/core/media/pacer.ts'
import type { VoiceDecoder, VoiceEncoder } from '../../transceiver-nodes/core/media/voice-codec.ts'
import { cpuMicros, least } from '../crypto/cpu-time.ts'
import { spectralDistanceDb } from './spectral-distance.ts'

/** Microseconds of CPU for a frame of 20 ms. */
export interface CodecCost {
  readonly encodeMicros: number
  readonly decodeMicros: number
  readonly concealMicros: number
  readonly kilobitsPerSecond: number
  /** Of what is decoded against what was said. */
  readonly spectralDistanceDb: number
}

/** Measures a codec on `speech`, whole frames at 24 kHz. */
export function codecCost(
  speech: Int16Array,
  rounds: number,
  openEncoder: () => VoiceEncoder,
  openDecoder: () => VoiceDecoder,
): CodecCost {
  const frames = speech.length / FRAME_SAMPLES
  const memory = new Uint8Array(frames * ROOM)
  const lengths = new Uint16Array(frames)
  const heard = new Int16Array(speech.length)
  const encode = () => {
    const encoder = openEncoder()
    for (let i = 0; i < frames; i++) {
      FRAME.set(speech.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES))
      lengths[i] = encoder.encode(FRAME, memory, i * ROOM, ROOM)
    }
    encoder.close()
  }
  const decode = () => {
    const decoder = openDecoder()
    for (let i = 0; i < frames; i++) {
      const samples = decoder.decode(memory, i * ROOM, lengths[i] ?? 0)
      if (samples !== undefined) heard.set(samples, i * FRAME_SAMPLES)
    }
    decoder.close()
  }
  const conceal = () => {
    const decoder = openDecoder()
    for (let i = 0; i < frames; i++) {
      if (i % 2 === 0) decoder.decode(memory, i * ROOM, lengths[i] ?? 0)
      else decoder.conceal(FRAME_MILLIS)
    }
    decoder.close()
  }
  const microsOf = (work: () => void) => least(rounds, () => cpuMicros(work)) / frames
  const encodeMicros = microsOf(encode)
  const decodeMicros = microsOf(decode)
  return {
    encodeMicros: rounded(encodeMicros),
    decodeMicros: rounded(decodeMicros),
    // Half of the frames are decoded.
    concealMicros: rounded(Math.max(0, 2 * microsOf(conceal) - decodeMicros)),
    kilobitsPerSecond: rounded(
      (lengths.reduce((sum, length) => sum + length, 0) * 8) / (frames * FRAME_MILLIS),
    ),
    spectralDistanceDb: rounded(leastDistance(speech, heard)),
  }
}

/** Codecs are late by some milliseconds: the least distance of all shifts up to a frame, by steps of 0.5 ms. */
function leastDistance(said: Int16Array, heard: Int16Array): number {
  const distances = Array.from({ length: FRAME_SAMPLES / 12 }, (_, step) =>
    spectralDistanceDb(
      said.subarray(0, said.length - step * 12),
      heard.subarray(step * 12),
      BACKEND_SAMPLE_RATE_HZ,
    ),
  )
  return Math.min(...distances)
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

const FRAME = new Int16Array(new ArrayBuffer(FRAME_SAMPLES * 2))
const ROOM = 400
