/** The measures of the benchmark on degradations whose order is known. */

import { describe, expect, test } from 'vitest'
import { Random } from '../../tests/fuzz/random.ts'
import { PowerSpectrum } from './fourier.ts'
import { scoreIntelligibility } from './intelligibility.ts'
import { spectralDistanceDb } from './spectral-distance.ts'
import { speechOf } from './speech.ts'

const RATE_HZ = 24_000
const FRAME = 480
const speech = speechOf(1)

test('finds a tone at its frequency, with the power that it has', () => {
  const power = new PowerSpectrum(64).of(
    Float64Array.from({ length: 64 }, (_, i) => Math.cos((2 * Math.PI * 5 * i) / 64)),
  )
  expect(power[5]).toBeCloseTo(32 ** 2, 6)
  expect(power.reduce((sum, value, bin) => (bin === 5 ? sum : sum + value), 0)).toBeCloseTo(0, 6)
})

test('has the energy of the samples (Parseval)', () => {
  const random = new Random(1)
  const samples = Float64Array.from({ length: 128 }, () => random.below(2_000) - 1_000)
  const power = new PowerSpectrum(128).of(samples)
  const both = power.reduce((sum, value, bin) => sum + value * (bin === 0 || bin === 64 ? 1 : 2), 0)
  expect(both / 128).toBeCloseTo(
    samples.reduce((sum, sample) => sum + sample * sample, 0),
    3,
  )
})

describe('intelligibility', () => {
  const score = (heard: Int16Array) => scoreIntelligibility(speech, heard, RATE_HZ)

  test('is whole for the same sound, at any level', () => {
    expect(score(speech)).toBeCloseTo(1, 6)
    expect(score(speech.map((sample) => sample / 4))).toBeGreaterThan(0.999)
  })

  test('falls with noise, from nearly all to half', () => {
    const scores = [30, 20, 10, 0, -10].map((ratioDb) => score(withNoise(ratioDb)))
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(scores[0]).toBeGreaterThan(0.95)
    expect(scores[4]).toBeLessThan(0.6)
  })

  test('falls with every frame that is silenced', () => {
    const scores = [40, 20, 10, 5, 2].map((every) => score(withoutFrames(every)))
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(scores[0]! - scores[4]!).toBeGreaterThan(0.2)
  })

  test('hears that it is somebody else who speaks', () => {
    expect(score(speech.toReversed())).toBeLessThan(0.3)
  })

  test('refuses to judge by less than a segment', () => {
    expect(() => scoreIntelligibility(speech.subarray(0, 4_800), speech, RATE_HZ)).toThrow(RangeError)
  })
})

describe('spectral distance', () => {
  const distance = (heard: Int16Array) => spectralDistanceDb(speech, heard, RATE_HZ)

  test('is nothing for the same sound, and the change of level for a change of level', () => {
    expect(distance(speech)).toBe(0)
    const halved = distance(speech.map((sample) => sample / 2))
    expect(halved).toBeGreaterThan(3)
    expect(halved).toBeLessThan(6.1)
  })

  test('grows with noise and with every frame that is silenced', () => {
    for (const distances of [
      [30, 20, 10, 0].map((ratioDb) => distance(withNoise(ratioDb))),
      [40, 20, 10, 5].map((every) => distance(withoutFrames(every))),
    ]) {
      expect(distances).toEqual(distances.toSorted((a, b) => a - b))
    }
  })

  test('refuses to compare silence', () => {
    expect(() => spectralDistanceDb(new Int16Array(FRAME), speech, RATE_HZ)).toThrow(RangeError)
  })
})

/** White noise, `ratioDb` below the speech. */
function withNoise(ratioDb: number): Int16Array {
  const random = new Random(7)
  const energy = speech.reduce((sum, sample) => sum + sample * sample, 0) / speech.length
  // Uniform noise between -a and a has an energy of a²/3.
  const amplitude = Math.sqrt((3 * energy) / 10 ** (ratioDb / 10))
  return speech.map((sample) => {
    const noise = (random.next() / 2 ** 31 - 1) * amplitude
    return Math.max(-32_768, Math.min(32_767, sample + noise))
  })
}

function withoutFrames(every: number): Int16Array {
  return speech.map((sample, i) => (Math.floor(i / FRAME) % every === 0 ? 0 : sample))
}
