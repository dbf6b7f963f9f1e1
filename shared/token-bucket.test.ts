import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { TokenBucket } from './token-bucket.ts'

test('gives its burst at once and then so many per second', () => {
  const bucket = new TokenBucket(3, 2, millisOf(0))
  const take = (now: number) => bucket.take(millisOf(now))
  expect([take(0), take(0), take(0), take(0)]).toEqual([true, true, true, false])
  expect(bucket.nextAt(millisOf(0))).toBe(500)
  expect([take(499), take(500), take(501)]).toEqual([false, true, false])
})

test('never gives more than the burst and what the time has earned, and always something at `nextAt`', () => {
  const waits = fc.array(fc.double({ min: 0, max: 3_000, noNaN: true }), { maxLength: 100 })
  const holds = fc.property(waits, (durations) => {
    const bucket = new TokenBucket(5, 2, millisOf(0))
    let now = 0
    let taken = 0
    for (const duration of durations) {
      now += duration
      taken += Number(bucket.take(millisOf(now)))
      expect(taken).toBeLessThanOrEqual(5 + (now / 1_000) * 2 + 1e-6)
    }
    const next = bucket.nextAt(millisOf(now))
    expect(bucket.take(millisOf(next + 1e-3))).toBe(true)
  })
  fc.assert(holds)
})

test('gives many at once, or none of them', () => {
  const bucket = new TokenBucket(10, 1, millisOf(0))
  expect(bucket.takeMany(8, millisOf(0))).toBe(true)
  expect(bucket.takeMany(3, millisOf(0))).toBe(false)
  expect(bucket.takeMany(2, millisOf(0))).toBe(true)
})
