import { expect, test } from 'vitest'
import { Lateness } from './lateness.ts'

test('counts each tick once, by the least bound that it stayed below', () => {
  const lateness = new Lateness()
  for (const millis of [0, 0.99, 1, 4.9, 5, 49, 50, 10_000]) lateness.note(millis)
  expect(lateness.counts()).toEqual([2, 1, 1, 1, 0, 1, 2])
})

test('tells the worst since it was last asked', () => {
  const lateness = new Lateness()
  lateness.note(3)
  lateness.note(2)
  expect(lateness.takeWorst()).toBe(3)
  lateness.note(1)
  expect(lateness.takeWorst()).toBe(1)
  expect(lateness.takeWorst()).toBe(0)
})
