import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlidingExtremes } from './sliding-extremes.ts'

test('agrees with sorting the last values', () => {
  const few = fc.integer({ min: -5, max: 5 })
  const many = fc.double({ min: -1000, max: 1000, noNaN: true })
  const values = fc.oneof(...[few, many].map((value) => fc.array(value, { minLength: 1, maxLength: 60 })))
  const sizes = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }))
  fc.assert(
    fc.property(values, sizes, (all, [one, other]) => {
      const [length, depth] = [Math.max(one, other), Math.min(one, other)]
      const window = new SlidingExtremes(length, depth)
      for (const value of all) window.push(value)
      const sorted = all.slice(-length).toSorted((a, b) => b - a)
      expect(window.count).toBe(sorted.length)
      expect(window.least).toBeCloseTo(sorted.at(-1)!, 9)
      for (let n = 1; n <= Math.min(depth, sorted.length); n++) {
        expect(window.greatest(n)).toBeCloseTo(sorted[n - 1]!, 9)
      }
    }),
  )
})

test('keeps up with values that only fall, and with values that only rise', () => {
  const [falling, rising] = [new SlidingExtremes(250, 2), new SlidingExtremes(250, 2)]
  for (let value = 0; value < 1_000; value++) {
    falling.push(-value)
    rising.push(value)
  }
  expect([falling.least, falling.greatest(2), falling.greatest(1)]).toEqual([-999, -751, -750])
  expect([rising.least, rising.greatest(2), rising.greatest(1)]).toEqual([750, 998, 999])
})

test('has nothing to say before the first value and after it has been cleared', () => {
  const window = new SlidingExtremes(4, 2)
  expect(window.least).toBeNaN()
  window.push(3)
  window.clear()
  expect(window).toMatchObject({ count: 0, least: Number.NaN })
  window.push(5)
  expect([window.least, window.greatest(1), window.greatest(2)]).toEqual([5, 5, Number.NaN])
})

test('refuses a window of no length, and a depth beyond it', () => {
  for (const [length, depth] of [
    [0, 0],
    [0, 1],
    [4, 0],
    [4, 5],
  ] as const) {
    expect(() => new SlidingExtremes(length, depth)).toThrow(RangeError)
  }
})
