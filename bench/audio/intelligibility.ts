/**
 * STOI, the short-time objective intelligibility of speech: how much of the movement of the sound's envelopes is still
 * there, from 0 to 1. C. H. Taal and others, "An Algorithm for Intelligibility Prediction of Time-Frequency Weighted
 * Noisy Speech", IEEE Transactions on Audio, Speech, and Language Processing 19(7), 2011.
 *
 * At 10 kHz, frames of 25.6 ms, 15 third-octave bands from 150 Hz, segments of 384 ms. Frames in which the original
 * is 40 dB below its loudest say nothing and are left out of both.
 */

import { resampleSound } from '../../transceiver-nodes/io/resampler.ts'
import { framesOf, PowerSpectrum } from './fourier.ts'

/** Scores `heard` against `said`: sounds of the same rate, length and alignment. */
export function scoreIntelligibility(said: Int16Array, heard: Int16Array, rateHz: number): number {
  const original = framesAt10Khz(said, rateHz)
  const result = framesAt10Khz(heard, rateHz)
  const levels = original.map((frame) => energyOf(frame))
  const threshold = Math.max(...levels) / 10 ** (DYNAMIC_RANGE_DB / 10)
  const isLoud = (_: Float64Array, frame: number) => (levels[frame] ?? 0) > threshold
  return meanCorrelation(original.filter(isLoud).map(bandsOf), result.filter(isLoud).map(bandsOf))
}

function framesAt10Khz(samples: Int16Array, rateHz: number): Float64Array[] {
  return framesOf(resampleSound(samples, rateHz, RATE_HZ), FRAME_SAMPLES, FRAME_SAMPLES / 2)
}

function energyOf(frame: Float64Array): number {
  return frame.reduce((sum, sample) => sum + sample * sample, 0)
}

/** The magnitude in each third of an octave. */
function bandsOf(frame: Float64Array): number[] {
  const power = SPECTRUM.of(frame)
  return BANDS.map(([from, to]) => Math.sqrt(power.subarray(from, to).reduce((sum, value) => sum + value, 0)))
}

function meanCorrelation(said: readonly number[][], heard: readonly number[][]): number {
  let sum = 0
  let count = 0
  for (let end = SEGMENT_FRAMES; end <= said.length; end++) {
    for (let band = 0; band < BANDS.length; band++) {
      const x = said.slice(end - SEGMENT_FRAMES, end).map((bands) => bands[band] ?? 0)
      const y = heard.slice(end - SEGMENT_FRAMES, end).map((bands) => bands[band] ?? 0)
      sum += correlation(x, clipped(x, y))
      count++
    }
  }
  if (count === 0) throw new RangeError('less than 384 ms of speech')
  return sum / count
}

/** Scales `y` to the energy of `x` and bounds how much worse than `x` any of its values can be. */
function clipped(x: readonly number[], y: readonly number[]): number[] {
  const scale = norm(x) / Math.max(norm(y), Number.EPSILON)
  return y.map((value, i) => Math.min(value * scale, (x[i] ?? 0) * (1 + 10 ** (CLIPPING_DB / 20))))
}

function correlation(x: readonly number[], y: readonly number[]): number {
  const [a, b] = [centred(x), centred(y)]
  const product = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
  return product / Math.max(norm(a) * norm(b), Number.EPSILON)
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.map((value) => value - mean)
}

function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
}

/** Section II of the paper. */
const RATE_HZ = 10_000
const FRAME_SAMPLES = 256
const TRANSFORM = 512
const SEGMENT_FRAMES = 30
const LOWEST_BAND_HZ = 150
const BAND_COUNT = 15
const DYNAMIC_RANGE_DB = 40
const CLIPPING_DB = 15

const SPECTRUM = new PowerSpectrum(TRANSFORM)

/** First and last bin, the latter not included. */
const BANDS = Array.from({ length: BAND_COUNT }, (_, band): readonly [number, number] => {
  const centre = LOWEST_BAND_HZ * 2 ** (band / 3)
  const binOf = (hertz: number) => Math.round((hertz * TRANSFORM) / RATE_HZ)
  return [binOf(centre * 2 ** (-1 / 6)), binOf(centre * 2 ** (1 / 6))]
})
