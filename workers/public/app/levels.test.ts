import { expect, test } from 'vitest'
import { FLOOR_DECIBELS, SILENT_METER, decibelsOf, meterFraction, stepMeter } from './levels.js'

const SINE = Float32Array.from({ length: 1024 }, (_, at) => Math.sin((2 * Math.PI * 16 * at) / 1024))

test('reads a full-scale sine as -3 dBFS and a tenth of it 20 dB lower', () => {
  expect(decibelsOf(SINE)).toBeCloseTo(-3.01, 1)
  expect(decibelsOf(SINE.map((sample) => sample / 10))).toBeCloseTo(-23.01, 1)
})

test('reads silence, and anything below the floor, as the floor', () => {
  expect(decibelsOf(new Float32Array(1024))).toBe(FLOOR_DECIBELS)
  expect(decibelsOf(SINE.map((sample) => sample / 1e6))).toBe(FLOOR_DECIBELS)
})

test('rises at once and falls slowly', () => {
  const loud = stepMeter(SILENT_METER, -10, 16)
  expect(loud.level).toBe(-10)
  expect(stepMeter(loud, FLOOR_DECIBELS, 500).level).toBe(-30)
})

test('holds the peak, then lets it fall to silence', () => {
  let meter = stepMeter(SILENT_METER, -10, 16)
  for (let elapsed = 0; elapsed < 800; elapsed += 16) meter = stepMeter(meter, FLOOR_DECIBELS, 16)
  expect(meter.peak).toBe(-10)
  for (let elapsed = 0; elapsed < 4000; elapsed += 16) meter = stepMeter(meter, FLOOR_DECIBELS, 16)
  expect(meter).toMatchObject({ level: FLOOR_DECIBELS, peak: FLOOR_DECIBELS })
})

test('maps the range of the meter to its length', () => {
  expect([-60, -30, 0, 3, -99].map(meterFraction)).toEqual([0, 0.5, 1, 1, 0])
})
