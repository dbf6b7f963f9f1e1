import { expect, test } from 'vitest'
import { Resampler, resampleSound } from './resampler.ts'

const tone = (rateHz: number, seconds: number) =>
  Int16Array.from({ length: rateHz * seconds }, (_, i) => 10_000 * Math.sin((2 * Math.PI * 440 * i) / rateHz))

test.each([
  [16_000, 24_000],
  [24_000, 48_000],
  [48_000, 24_000],
  [24_000, 8000],
])('keeps a tone in place from %i Hz to %i Hz', (fromHz, toHz) => {
  const resampled = resampleSound(tone(fromHz, 0.5), fromHz, toHz)
  const expected = tone(toHz, 0.5)
  expect(resampled.length).toBe(expected.length)
  // The edges ring: the filter sees silence beyond them.
  const edge = toHz / 100
  for (let i = edge; i < expected.length - edge; i++) {
    expect(Math.abs((resampled[i] ?? 0) - (expected[i] ?? 0))).toBeLessThan(200)
  }
})

test('gives a frame for a frame, from the first one on', () => {
  const resampler = new Resampler(24_000, 8000, 1)
  for (let i = 0; i < 10; i++) expect(resampler.push(tone(24_000, 0.02)).length).toBe(160)
  resampler.close()
})

test('refuses rates that make no sense', () => {
  expect(() => new Resampler(0, 8000, 1)).toThrow(RangeError)
})
