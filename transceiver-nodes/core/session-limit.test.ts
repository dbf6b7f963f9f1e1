import fc from 'fast-check'
import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { FAREWELL_MILLIS, SessionLimit, WARNING_MILLIS } from './session-limit.ts'
import type { SessionLimitStep } from './session-limit.ts'

const HOUR = 3_600_000

/** Runs the limit by its own timeouts; returns each step with when it was due. */
function run(limit: SessionLimit): [SessionLimitStep, number][] {
  const steps: [SessionLimitStep, number][] = []
  for (let step: SessionLimitStep | undefined; step !== 'end';) {
    const due = limit.pollTimeout()
    step = limit.handleTimeout(due)
    if (step !== undefined) steps.push([step, due])
  }
  return steps
}

test('warns a minute before, has the last word, and ends when that has arrived', () => {
  const limit = new SessionLimit(millisOf(HOUR))
  expect(limit.handleTimeout(millisOf(HOUR - WARNING_MILLIS - 1))).toBeUndefined()
  expect(run(limit)).toEqual([
    ['warn', HOUR - WARNING_MILLIS],
    ['tell', HOUR],
    ['end', HOUR + FAREWELL_MILLIS],
  ])
  expect(limit.reason).toBe('session-expired')
})

test('warns at once, and again, when the limit comes nearer', () => {
  const limit = new SessionLimit(millisOf(HOUR))
  const now = millisOf(HOUR - 30_000)
  expect(limit.handleTimeout(now)).toBe('warn')
  limit.bringForward(millisOf(now + 10_000), 'node-draining', now)
  expect(limit.reason).toBe('node-draining')
  expect(limit.remaining(now)).toBe(10_000)
  expect(run(limit).map(([step]) => step)).toEqual(['warn', 'tell', 'end'])
})

test('never lets a limit recede, nor one that has been told come back', () => {
  const limit = new SessionLimit(millisOf(1_000))
  limit.bringForward(millisOf(2_000), 'node-draining', millisOf(0))
  expect(limit.reason).toBe('session-expired')
  expect(limit.handleTimeout(millisOf(1_000))).toBe('warn')
  expect(limit.handleTimeout(millisOf(1_000))).toBe('tell')
  limit.bringForward(millisOf(500), 'node-draining', millisOf(1_000))
  expect(limit.handleTimeout(millisOf(1_000))).toBeUndefined()
  expect(limit.handleTimeout(millisOf(1_000 + FAREWELL_MILLIS))).toBe('end')
})

test('goes through every step once and in order, however late it is asked', () => {
  fc.assert(
    fc.property(fc.nat(HOUR), fc.array(fc.nat(HOUR), { maxLength: 20 }), (deadline, asks) => {
      const limit = new SessionLimit(millisOf(deadline))
      const steps = [...asks.toSorted((a, b) => a - b), Infinity, Infinity, Infinity].flatMap((now) => {
        const step = limit.handleTimeout(millisOf(now))
        return step === undefined ? [] : [step]
      })
      expect(steps.slice(0, 3)).toEqual(['warn', 'tell', 'end'])
    }),
  )
})
