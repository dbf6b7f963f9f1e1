/** How many sessions one media thread carries: raised step by step until its send clock slips. */

import { setTimeout as sleep } from 'node:timers/promises'
import { CallRefused, startEngine } from './contenders.ts'
import type { Contender } from './contenders.ts'
import type { ServerReport } from './line-server.ts'

/** What was found. */
export interface Capacity {
  /** The most sessions with the 99th percentile of the send clock's lateness below 5 ms and every packet echoed. */
  readonly sessions: number
  /** The thread's share of a core at that many. */
  readonly load: number
}

/** How a thread did with so many sessions. */
export interface CapacityStep extends Capacity {
  /** Of the ticks, how many were 5 ms late. */
  readonly lateShare: number
  /** Of what was said, how much came back. */
  readonly echoedShare: number
}

/** Raises the sessions by `step` until more than 1 % of the ticks are 5 ms late, or packets are lost. */
export async function findCapacity(
  speech: readonly Uint8Array[],
  step: number,
  millis: number,
  onStep: (step: CapacityStep) => void,
): Promise<Capacity> {
  const engine = await startEngine('codec', speech, FRAMES_PER_DATAGRAM)
  let found: Capacity = { sessions: 0, load: 0 }
  try {
    while (found.sessions < MAX_SESSIONS) {
      for (let i = 0; i < step; i++) engine.talk(await engine.call())
      const taken = await bestOf(engine, found.sessions + step, millis, onStep)
      if (!isCarried(taken)) return found
      found = { sessions: taken.sessions, load: taken.load }
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

/** What others on the machine do only ever adds to lateness: a step fails when it has failed every time. */
async function bestOf(
  engine: Contender,
  sessions: number,
  millis: number,
  onStep: (step: CapacityStep) => void,
): Promise<CapacityStep> {
  for (let trial = 1; ; trial++) {
    await sleep(SETTLE_MILLIS)
    const step = await measure(engine, sessions, millis)
    onStep(step)
    if (isCarried(step) || trial === TRIALS) return step
  }
}

function isCarried({ lateShare, echoedShare }: CapacityStep): boolean {
  return lateShare <= MAX_LATE && echoedShare > MIN_ECHOED
}

async function measure(engine: Contender, sessions: number, millis: number): Promise<CapacityStep> {
  const [before, sent, echoed] = [await engine.report(), engine.sent, engine.echoed]
  await sleep(millis)
  const [after, sentAfter, echoedAfter] = [await engine.report(), engine.sent, engine.echoed]
  return {
    sessions,
    load: delta(after, before, 'cpuMicros') / 1_000 / millis,
    lateShare: delta(after, before, 'lateTicks') / Math.max(1, delta(after, before, 'ticks')),
    echoedShare: (echoedAfter - echoed) / (sentAfter - sent),
  }
}

function delta(after: ServerReport, before: ServerReport, key: string): number {
  return (after[key] ?? 0) - (before[key] ?? 0)
}

/** What a relay of that many calls sends together: it forwards what a few hundred microseconds brought. */
const FRAMES_PER_DATAGRAM = 4
const TRIALS = 3
const SETTLE_MILLIS = 1_000
const MAX_SESSIONS = 10_000
const MAX_LATE = 0.01
const MIN_ECHOED = 0.98
