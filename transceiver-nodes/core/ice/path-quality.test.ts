import { expect, test } from 'vitest'
import { PathQuality } from './path-quality.ts'

test('knows nothing of a path that was never checked', () => {
  const quality = new PathQuality()
  expect([quality.roundTripMillis, quality.latestMillis, quality.loss]).toEqual([undefined, undefined, 0])
})

test('takes the smallest of the last four round trips, and none of a check that was repeated', () => {
  const quality = new PathQuality()
  for (const millis of [10, 90, 80, undefined, 70, 60]) quality.noteAnswer(millis)
  expect([quality.roundTripMillis, quality.latestMillis]).toEqual([60, 60])
  quality.noteAnswer(500)
  expect([quality.roundTripMillis, quality.latestMillis]).toEqual([60, 500])
})

test('counts the loss over the last eight checks', () => {
  const quality = new PathQuality()
  for (let i = 0; i < 8; i++) quality.noteLoss()
  expect([quality.loss, quality.hasJustLost]).toEqual([1, true])
  for (let i = 0; i < 6; i++) quality.noteAnswer(1)
  expect([quality.loss, quality.hasJustLost]).toEqual([0.25, false])
})
