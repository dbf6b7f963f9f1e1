import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { SESSION_BURST, SESSION_RATE, SessionBudget } from './session-budget.ts'

test('lets a burst through, then so many checks per second', () => {
  const budget = new SessionBudget([1, 2])
  expect(taken(budget, 0, 7, SESSION_BURST + 10, 1_000)).toBe(SESSION_BURST)
  expect(taken(budget, 0, 7, SESSION_RATE + 10, 2_000)).toBe(SESSION_RATE)
  expect(taken(budget, 0, 7, SESSION_BURST + 10, 60_000)).toBe(SESSION_BURST)
})

test('is one for each session of each transceiver', () => {
  const budget = new SessionBudget([1, 2])
  taken(budget, 0, 7, SESSION_BURST, 0)
  expect(taken(budget, 0, 7, 1, 0)).toBe(0)
  expect(taken(budget, 0, 8, 1, 0)).toBe(1)
  expect(taken(budget, 1, 7, 1, 0)).toBe(1)
  expect(taken(budget, 0, 2 ** 32 - 1, 1, 0)).toBe(1)
})

function taken(
  budget: SessionBudget,
  upstream: number,
  session: number,
  checks: number,
  now: number,
): number {
  let count = 0
  for (let i = 0; i < checks; i++) count += Number(budget.take(upstream, session, millisOf(now)))
  return count
}
