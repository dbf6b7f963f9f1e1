/**
 * The log-spectral distance of two sounds, in dB: the root mean square difference of their spectra's levels, frame by
 * frame, averaged (A. Gray and J. Markel, "Distance Measures for Speech Processing", 1976).
 *
 * Frames of 20 ms, up to 8 kHz; levels below -70 dB of full scale count as that, so that silence is not compared
 * with silence; frames in which the original is silent are left out.
 */

import { framesOf, PowerSpectrum } from './fourier.ts'

/** Measures sounds of the same rate, length and alignment. */
export function spectralDistanceDb(said: Int16Array, heard: Int16Array, rateHz: number): number {
  const frameSamples = (rateHz * FRAME_MILLIS) / 1000
  const highestBin = Math.floor((HIGHEST_HZ * TRANSFORM) / rateHz)
  const original = framesOf(said, frameSamples, frameSamples)
  const result = framesOf(heard, frameSamples, frameSamples)
  const distances = original.flatMap((frame, i) => {
    if (frame.every((sample) => Math.abs(sample) < SILENT_SAMPLE)) return []
    const [a, b] = [levelsOf(frame, highestBin), levelsOf(result[i] ?? new Float64Array(0), highestBin)]
    return [Math.sqrt(a.reduce((sum, level, bin) => sum + (level - (b[bin] ?? 0)) ** 2, 0) / a.length)]
  })
  if (distances.length === 0) throw new RangeError('nothing was said')
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length
}

/** Levels in dB of full scale. */
function levelsOf(frame: Float64Array, highestBin: number): Float64Array {
  const fullScale = ((32_768 * frame.length) / 4) ** 2
  return SPECTRUM.of(frame)
    .subarray(1, highestBin + 1)
    .map((power) => 10 * Math.log10(Math.max(power / Math.max(fullScale, 1), FLOOR)))
}

const FRAME_MILLIS = 20
const TRANSFORM = 512
const HIGHEST_HZ = 8_000
const FLOOR = 10 ** -7
/** -50 dB of full scale. */
const SILENT_SAMPLE = 100

const SPECTRUM = new PowerSpectrum(TRANSFORM)
