import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { ASK_INTERVAL, SessionDeadlines } from './session-deadlines.ts'

const now = millisOf(5_000)

function dueTimes(deadlines: SessionDeadlines, row: number): number {
  for (let at = now; at < now + 1_000; at = millisOf(at + 1)) if (deadlines.mayBeDue(row, at)) return at - now
  return Infinity
}

test('asks a session that nobody has asked yet', () => {
  expect(dueTimes(new SessionDeadlines(2), 1)).toBe(0)
})

test('asks again when the deadline is reached, and each row for itself', () => {
  const deadlines = new SessionDeadlines(2)
  deadlines.keep(0, millisOf(now + 30), now)
  deadlines.keep(1, millisOf(now + 70), now)
  expect([dueTimes(deadlines, 0), dueTimes(deadlines, 1)]).toEqual([30, 70])
})

test.each([undefined, millisOf(now + 60_000)])(
  'asks again soon, however far the deadline: %s',
  (deadline) => {
    const deadlines = new SessionDeadlines(1)
    deadlines.keep(0, deadline, now)
    expect(dueTimes(deadlines, 0)).toBe(ASK_INTERVAL)
  },
)

test('asks at once when something has happened to the session, or to all', () => {
  const deadlines = new SessionDeadlines(3)
  for (const row of [0, 1, 2]) deadlines.keep(row, undefined, now)
  deadlines.forget(1)
  expect([0, 1, 2].map((row) => dueTimes(deadlines, row))).toEqual([ASK_INTERVAL, 0, ASK_INTERVAL])
  deadlines.forgetAll()
  expect([0, 1, 2].map((row) => dueTimes(deadlines, row))).toEqual([0, 0, 0])
})
