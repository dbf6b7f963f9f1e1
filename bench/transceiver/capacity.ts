/** How many sessions one media thread carries: raised step by step until its send clock slips. */

import { setTimeout as sleep } from 'node:timers/promises'
import { CallRefused, startEngine } from './contenders.ts'

/** What was found. */
export interface Capacity {
  /** The most sessions with the 99th percentile of the send clock's lateness below 5 ms and every packet echoed. */
  readonly sessions: number
  /** The thread's share of a core at that many. */
  readonly load: number
}

/** Raises the sessions by `step` until more than 1 % of the ticks are 5 ms late, or packets are lost. */
export async function findCapacity(
  speech: readonly Uint8Array[],
  step: number,
  millis: number,
  onStep: (sessions: number, lateShare: number, load: number) => void,
): Promise<Capacity> {
  const engine = await startEngine('codec', speech, FRAMES_PER_DATAGRAM)
  let found: Capacity = { sessions: 0, load: 0 }
  try {
    for (let sessions = step; sessions <= MAX_SESSIONS; sessions += step) {
      for (let i = 0; i < step; i++) engine.talk(await engine.call())
      await sleep(SETTLE_MILLIS)
      const [before, sent, echoed] = [await engine.report(), engine.sent, engine.echoed]
      await sleep(millis)
      const [after, sentAfter, echoedAfter] = [await engine.report(), engine.sent, engine.echoed]
      const lateShare = delta(after, before, 'lateTicks') / Math.max(1, delta(after, before, 'ticks'))
      const load = delta(after, before, 'cpuMicros') / 1_000 / millis
      onStep(sessions, lateShare, load)
      const isHeard = (echoedAfter - echoed) / (sentAfter - sent) > MIN_ECHOED
      if (lateShare > MAX_LATE || !isHeard) return found
      found = { sessions, load }
    }
    return found
  } catch (error) {
    // Admission by load comes first on a machine whose generator leaves it no more.
    if (error instanceof CallRefused) return found
    throw error
  } finally {
    await engine.close()
  }
}

function delta(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
  key: string,
): number {
  return (after[key] ?? 0) - (before[key] ?? 0)
}

/** What a relay of that many calls sends together: it forwards what a few hundred microseconds brought. */
const FRAMES_PER_DATAGRAM = 4
const SETTLE_MILLIS = 1_000
const MAX_SESSIONS = 10_000
const MAX_LATE = 0.01
const MIN_ECHOED = 0.98
