/** What is said in the benchmark: the test callers' sentence, again and again. */

import { readFileSync } from 'node:fs'
import { readWav } from '#shared/wav'
import { BACKEND_SAMPLE_RATE_HZ } from '../../transceiver-nodes/backends/backend.ts'
import { FRAME_SAMPLES } from '../../transceiver-nodes/core/media/pacer.ts'
import { resampleSound } from '../../transceiver-nodes/io/resampler.ts'

/** Returns the sentence `times` times, with a short pause between, in whole frames at 24 kHz. */
export function speechOf(times: number): Int16Array {
  const sound = readWav(readFileSync(new URL('../../tests/audio/speech.wav', import.meta.url)))
  if (typeof sound === 'string') throw new Error(sound)
  const samples = resampleSound(sound.samples, sound.sampleRateHz, BACKEND_SAMPLE_RATE_HZ)
  const loud = samples.findLastIndex((sample) => Math.abs(sample) > QUIET_SAMPLE)
  const frames = Math.ceil((loud + PAUSE_SAMPLES) / FRAME_SAMPLES)
  const speech = new Int16Array(frames * FRAME_SAMPLES * times)
  for (let i = 0; i < times; i++) {
    speech.set(samples.subarray(0, frames * FRAME_SAMPLES), i * frames * FRAME_SAMPLES)
  }
  return speech
}

const QUIET_SAMPLE = 200
const PAUSE_SAMPLES = BACKEND_SAMPLE_RATE_HZ / 5
