/**
 * The experiment that all scenarios share: something dies in the middle of calls, again and again, and the
 * silence that each call hears is measured at both ends.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { DIRECTIONS, machineNow } from './arrivals.ts'
import type { Direction } from './arrivals.ts'
import type { BenchFleet } from './bench-fleet.ts'

/** One death. */
export interface Kill {
  /** The calls that it was to hurt. */
  readonly calls: readonly number[]
  /** The part of the gap that is stated apart, in milliseconds: a process start, a balancer's detection. */
  readonly apart: number
}

/** What one call heard of one death, in milliseconds. */
export interface GapSample extends Record<Direction, number> {
  readonly apart: number
}

/** How a scenario kills, and what it does before it kills again. */
export interface KillPlan {
  readonly kills: number
  /** Kills; resolves when the part that is stated apart is known. */
  readonly kill: () => Promise<Kill>
  /** Makes everything whole again. */
  readonly repair?: () => Promise<void>
  /** How long calls run between two deaths, at least. */
  readonly restMillis: number
}

/** Kills as the plan says, and returns what each call that was to be hurt heard. */
export async function measureKills(fleet: BenchFleet, plan: KillPlan): Promise<GapSample[]> {
  const samples: GapSample[] = []
  for (let i = 0; i < plan.kills; i++) {
    // At no fixed phase of the clients' checks.
    await sleep(plan.restMillis + Math.random() * MAX_EXTRA_REST)
    const killedAt = machineNow()
    const kill = await plan.kill()
    await untilAudioFlows(fleet, killedAt)
    const gap = (call: number, direction: Direction) => gapOf(fleet, call, direction, killedAt)
    for (const call of kill.calls) {
      const [toClient, toTransceiver] = [gap(call, 'toClient'), gap(call, 'toTransceiver')]
      samples.push({ toClient, toTransceiver, apart: kill.apart })
    }
    await plan.repair?.()
    fleet.arrivals.forget(killedAt)
  }
  return samples
}

function gapOf(fleet: BenchFleet, call: number, direction: Direction, killedAt: number): number {
  const longest = fleet.arrivals.longestInterval(call, direction, killedAt, machineNow())
  return Math.max(0, longest - PACKET_INTERVAL)
}

/** Waits until every call has packets at both ends as if nothing had happened. */
async function untilAudioFlows(fleet: BenchFleet, killedAt: number): Promise<void> {
  await sleep(MIN_WATCH)
  const ends = fleet.calls.flatMap((call) => DIRECTIONS.map((direction) => ({ call, direction })))
  for (;;) {
    const now = machineNow()
    const silent = ends.find(
      ({ call, direction }) =>
        fleet.arrivals.countSince(call, direction, now - STEADY_MILLIS) < STEADY_PACKETS,
    )
    if (silent === undefined) return
    if (fleet.endings.length > 0) throw new Error(`a call has ended: ${fleet.endings.join(', ')}`)
    if (now > killedAt + GIVE_UP) throw new Error(`call ${silent.call} is silent, ${silent.direction}`)
    await sleep(POLL_INTERVAL)
  }
}

const PACKET_INTERVAL = 20
const MAX_EXTRA_REST = 300
const POLL_INTERVAL = 20
/** A kill is watched for at least this long, so that its gap has begun. */
const MIN_WATCH = 400
/** A call flows when this many packets came in this time, which has room for 20. */
const STEADY_MILLIS = 400
const STEADY_PACKETS = 15
const GIVE_UP = 20_000
