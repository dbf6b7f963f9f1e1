import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TransitWindow, WINDOW_PACKETS } from './transit-window.ts'

test('agrees with sorting the transits of the last full buckets and the one that is being filled', () => {
  const few = fc.integer({ min: -5, max: 5 })
  const many = fc.double({ min: -1000, max: 1000, noNaN: true })
  const values = fc.oneof(...[few, many].map((value) => fc.array(value, { minLength: 2, maxLength: 700 })))
  fc.assert(
    fc.property(values, (all) => {
      const window = new TransitWindow()
      for (const value of all) window.push(value)
      const sorted = all.slice(-window.count).toSorted((a, b) => b - a)
      expect([window.least, window.greatest, window.second]).toEqual([sorted.at(-1), sorted[0], sorted[1]])
    }),
  )
})

test('remembers all of the first five seconds, and from then on no less than the last four and a half', () => {
  const window = new TransitWindow()
  for (let pushed = 1; pushed <= 1_000; pushed++) {
    window.push(-pushed)
    expect(window.count).toBeLessThanOrEqual(Math.min(pushed, WINDOW_PACKETS))
    expect(window.count).toBeGreaterThan(Math.min(pushed, WINDOW_PACKETS - 25) - 1)
    expect(window.greatest).toBe(-(pushed - window.count + 1))
  }
})

test('has nothing to say before the first transit and after it has been cleared', () => {
  const window = new TransitWindow()
  for (let pushed = 0; pushed < 60; pushed++) window.push(3)
  window.clear()
  expect(window).toMatchObject({ count: 0, least: Infinity, greatest: -Infinity, second: -Infinity })
  window.push(5)
  expect([window.least, window.greatest, window.second]).toEqual([5, 5, -Infinity])
})
