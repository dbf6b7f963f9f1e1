import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { REPLAY_WINDOW_PACKETS, ReplayWindow } from './replay-window.ts'

test('is at least as wide as RFC 3711 section 3.3.2 asks', () => {
  expect(REPLAY_WINDOW_PACKETS).toBeGreaterThanOrEqual(64)
})

test('takes each index once, late ones included', () => {
  const window = new ReplayWindow()
  for (const index of [10, 12, 11, 500]) {
    expect(window.isFresh(index)).toBe(true)
    window.accept(index)
    expect(window.isFresh(index)).toBe(false)
  }
  expect(window.highest).toBe(500)
})

test('refuses what has fallen out of it', () => {
  const window = new ReplayWindow()
  window.accept(1000)
  expect(window.isFresh(1000 - REPLAY_WINDOW_PACKETS + 1)).toBe(true)
  expect(window.isFresh(1000 - REPLAY_WINDOW_PACKETS)).toBe(false)
})

test('behaves like a set and a highest index', () => {
  const start = fc.constantFrom(0, 65_500, 2 ** 31 - 100, 2 ** 32 - 100, 2 ** 47)
  const steps = fc.array(fc.oneof(fc.integer({ min: -300, max: 40 }), fc.integer({ min: 0, max: 5000 })), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(start, steps, (base, jumps) => {
      const window = new ReplayWindow()
      const seen = new Set<number>()
      let highest = -1
      for (const jump of jumps) {
        const index = Math.max(highest, base) + jump
        const isFresh = index >= 0 && !seen.has(index) && highest - index < REPLAY_WINDOW_PACKETS
        expect(window.isFresh(index)).toBe(isFresh)
        if (!isFresh) continue
        window.accept(index)
        seen.add(index)
        highest = Math.max(highest, index)
      }
    }),
  )
})
