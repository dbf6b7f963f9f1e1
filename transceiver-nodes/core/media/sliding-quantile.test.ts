import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlidingQuantile } from './sliding-quantile.ts'

test('agrees with sorting the last values', () => {
  const values = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(
      values,
      fc.integer({ min: 1, max: 20 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (...args) => {
        const [all, length, share] = args
        const window = new SlidingQuantile(length)
        for (const value of all) window.push(value)
        const sorted = all.slice(-length).toSorted((a, b) => a - b)
        expect(window.count).toBe(sorted.length)
        expect(window.least).toBeCloseTo(sorted[0]!, 9)
        expect(window.quantile(share)).toBeCloseTo(
          sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!,
          9,
        )
      },
    ),
  )
})

test('has nothing to say before the first value and after it has been cleared', () => {
  const window = new SlidingQuantile(4)
  expect(window.least).toBeNaN()
  window.push(3)
  window.clear()
  expect(window).toMatchObject({ count: 0, least: Number.NaN })
  window.push(5)
  expect(window.quantile(1)).toBe(5)
})

test('refuses a window of no length', () => {
  expect(() => new SlidingQuantile(0)).toThrow(RangeError)
})
