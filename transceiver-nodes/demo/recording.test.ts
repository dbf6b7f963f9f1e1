import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_RECORDING_MILLIS, Recording } from './recording.ts'

const MAX_SAMPLES = MAX_RECORDING_MILLIS * 24

/** Samples that tell their position. */
function samplesAt(position: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, i) => (position + i) % 30_000)
}

test('returns what it was given, as a naive list does', () => {
  const operations = fc.array(
    fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 40_000 }) }),
      fc.record({ discard: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({
        from: fc.double({ min: 0, max: 1, noNaN: true }),
        to: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    ),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(operations, (steps) => {
      const recording = new Recording()
      let start = 0
      let end = 0
      for (const step of steps) {
        if ('append' in step) {
          recording.append(samplesAt(end, step.append))
          end += step.append
          start = Math.max(start, end - MAX_SAMPLES)
        } else if ('discard' in step) {
          start = Math.max(start, Math.floor(step.discard * end))
          recording.discardBefore(start)
        } else {
          const from = Math.floor(step.from * end)
          const to = Math.floor(step.to * end)
          const first = Math.max(from, start)
          expect(recording.read(from, to)).toEqual(samplesAt(first, Math.max(0, to - first)))
        }
        expect(recording.end).toBe(end)
      }
    }),
    { numRuns: 50 },
  )
})

test('keeps the latest fifteen seconds and no more', () => {
  const recording = new Recording()
  for (let position = 0; position < 2 * MAX_SAMPLES; position += 480) {
    recording.append(samplesAt(position, 480))
  }
  const kept = recording.read(0, recording.end)
  expect(kept).toEqual(samplesAt(MAX_SAMPLES, MAX_SAMPLES))
})

test('takes more at once than it keeps', () => {
  const recording = new Recording()
  recording.append(samplesAt(0, MAX_SAMPLES + 1000))
  expect(recording.read(0, recording.end)).toEqual(samplesAt(1000, MAX_SAMPLES))
})
