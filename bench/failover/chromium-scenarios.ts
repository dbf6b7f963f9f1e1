/** Deaths and delays that calls of Chromium live through: docs/benchmarks.md. */

import { setTimeout as sleep } from 'node:timers/promises'
import { machineNow } from './arrivals.ts'
import type { Direction } from './arrivals.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { RelayPlan } from './bench-fleet.ts'
import { ChromiumCalls, ownAddress } from './chromium-calls.ts'
import type { GapSample } from './kills.ts'
import type { RelayProcess } from './relay-process.ts'
import type { Effort, Scenario } from './scenarios.ts'

/** What a call heard while it moved to a better path. */
export interface BetterPath extends GapSample {
  /** From the delay to the first packet through the other relay. */
  readonly movedAfter: number
  readonly lostPackets: number
}

/**
 * The relay that carries a call is killed in the middle of it, up to five times, and started again each time; several
 * calls at once, each through two relays of its own.
 */
export const secondVip: Scenario = async (effort) => {
  const pairs = Math.min(MAX_PAIRS, Math.ceil(effort.kills / KILLS_PER_CALL))
  return withChromium(pairs, async (fleet, calls) => {
    const samples: GapSample[] = []
    for (let round = 0; samples.length < effort.kills; round++) {
      const kills = Math.min(KILLS_PER_CALL, Math.ceil((effort.kills - samples.length) / pairs))
      const work = Array.from({ length: pairs }, async (_, pair) => {
        await sleep(pair * PAIRS_APART)
        const relays = fleet.relays.slice(2 * pair, 2 * pair + 2)
        return killAgainAndAgain(fleet, calls, round * pairs + pair, relays, kills)
      })
      samples.push(...(await Promise.all(work)).flat())
    }
    return samples
  })
}

/** The way to the relay that carries a call becomes slow: the call moves to the other one. */
export async function betterPath(effort: Effort): Promise<BetterPath[]> {
  return withChromium(1, async (fleet, calls) => {
    const samples: BetterPath[] = []
    for (let index = 0; index < Math.max(1, Math.floor(effort.calls / 2)); index++) {
      samples.push(await slowDown(fleet, calls, index))
    }
    return samples
  })
}

async function killAgainAndAgain(
  fleet: BenchFleet,
  calls: ChromiumCalls,
  index: number,
  relays: readonly RelayProcess[],
  kills: number,
): Promise<GapSample[]> {
  await calls.place(index, relays)
  await sleep(PRUNED_AFTER)
  const samples: GapSample[] = []
  for (let kill = 0; kill < kills; kill++) {
    await sleep(Math.random() * MAX_EXTRA_REST)
    const carrying = calls.relayOf(index)
    const killedAt = machineNow()
    await carrying?.kill()
    await untilLeft(calls, index, carrying)
    await sleep(WATCH)
    samples.push({ ...gapsOf(fleet, index, killedAt), apart: 0 })
    await carrying?.start()
    await sleep(REST_OF_PATHS)
  }
  await calls.end(index)
  return samples
}

/** Waits until a call's audio goes to another relay. */
async function untilLeft(
  calls: ChromiumCalls,
  index: number,
  relay: RelayProcess | undefined,
): Promise<void> {
  const since = machineNow()
  while (calls.relayOf(index) === relay) {
    if (machineNow() > since + GIVE_UP) throw new Error(`call ${index} stays with ${relay?.id}`)
    await sleep(5)
  }
}

async function slowDown(fleet: BenchFleet, calls: ChromiumCalls, index: number): Promise<BetterPath> {
  await calls.place(index, fleet.relays)
  await sleep(SETTLED_AFTER)
  const carrying = calls.relayOf(index)
  if (carrying === undefined) throw new Error(`no audio of call ${index} was seen`)
  const before = await calls.lossesOf(index)
  const delayedAt = machineNow()
  calls.delay(carrying, ADDED_DELAY)
  // The one gap that the delay itself makes is over when the first delayed packets have come.
  await sleep(4 * ADDED_DELAY)
  const watchedFrom = machineNow()
  await untilLeft(calls, index, carrying)
  const movedAfter = machineNow() - delayedAt
  await sleep(WATCH_AFTER_MOVE)
  const [gaps, after] = [gapsOf(fleet, index, watchedFrom), await calls.lossesOf(index)]
  calls.delay(carrying, 0)
  await calls.end(index)
  const lostPackets = after.toClient + after.toTransceiver - before.toClient - before.toTransceiver
  return { ...gaps, apart: 0, movedAfter, lostPackets }
}

function gapsOf(fleet: BenchFleet, call: number, from: number): Record<Direction, number> {
  const gap = (direction: Direction) =>
    Math.max(0, fleet.arrivals.longestInterval(call, direction, from, machineNow()) - PACKET_INTERVAL)
  return { toClient: gap('toClient'), toTransceiver: gap('toTransceiver') }
}

async function withChromium<Result>(
  pairs: number,
  measure: (fleet: BenchFleet, calls: ChromiumCalls) => Promise<Result>,
): Promise<Result> {
  const plan: RelayPlan = { vip: ownAddress(), bind: '127.0.0.1', clientPorts: 2, threads: 1 }
  const plans = Array.from({ length: 2 * pairs }, () => plan)
  const fleet = await BenchFleet.start(plans)
  try {
    const calls = await ChromiumCalls.open(fleet)
    try {
      return await measure(fleet, calls)
    } finally {
      await calls.close()
    }
  } finally {
    await fleet.stop()
  }
}

const PACKET_INTERVAL = 20
/** Calls side by side, each through relays of its own, begun at different times so that deaths do not coincide. */
const MAX_PAIRS = 4
const PAIRS_APART = 2_300
/** With two relays of two ports the candidate order has three steps; then the call begins anew at its foot: docs/ice.md. */
const KILLS_PER_CALL = 5
/** Chromium drops pairs that it has pruned, and that are silent, after 30 s. */
const PRUNED_AFTER = 42_000
/** A death is watched for so long after the call has left. */
const WATCH = 2_000
/** A call that has fled rests for 10 s, waits for the next answer to a check, and takes up to 7 s back to the foot. */
const REST_OF_PATHS = 23_000
const MAX_EXTRA_REST = 1_000
/** A call seeks no better path in its first ten seconds. */
const SETTLED_AFTER = 16_000
/** What is lost by a move is reported by the next RTCP. */
const WATCH_AFTER_MOVE = 7_000
/** Each way. */
const ADDED_DELAY = 60
const GIVE_UP = 20_000
