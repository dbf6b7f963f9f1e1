/** The deaths that are measured: docs/benchmarks.md says what each one shows. */

import { freePorts } from '../../scripts/start/free-ports.ts'
import { Balancer } from './balancer.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { RelayPlan } from './bench-fleet.ts'
import { measureKills } from './kills.ts'
import type { GapSample } from './kills.ts'
import type { RelayProcess } from './relay-process.ts'

/** How much is measured. */
export interface Effort {
  readonly kills: number
  readonly calls: number
}

/** Measures one scenario; resolves to what each call heard. */
export type Scenario = (effort: Effort) => Promise<GapSample[]>

/** Nothing dies: what the machine itself does to the calls. */
export const quiet: Scenario = (effort) =>
  withFleet([ONE_RELAY], true, async (fleet) => {
    await fleet.placeCalls(effort.calls, CALLS_APART)
    const kill = async () => ({ calls: fleet.calls, apart: 0 })
    return measureKills(fleet, { kills: effort.kills, kill, restMillis: 0 })
  })

/** The only relay is killed and started again; what stands apart is the start of its process. */
export const withStore: Scenario = (effort) =>
  withFleet([ONE_RELAY], true, (fleet) => measureRestarts(fleet, effort))

/** The same while the store refuses the bindings. */
export const withoutStore: Scenario = (effort) =>
  withFleet([ONE_RELAY], false, (fleet) => measureRestarts(fleet, effort))

/** One of a relay's threads crashes, each in turn. */
export const workerDied: Scenario = (effort) =>
  withFleet([{ ...ONE_RELAY, threads: THREADS }], true, async (fleet) => {
    await fleet.placeCalls(effort.calls, CALLS_APART)
    const [relay] = fleet.relays
    let crashes = 0
    const kill = async () => {
      const thread = crashes++ % THREADS
      relay?.crashThread()
      return { calls: fleet.calls.filter((call) => fleet.linkOf(call) === thread), apart: 0 }
    }
    return measureKills(fleet, { kills: effort.kills, kill, restMillis: REST_OF_THREADS })
  })

/** Of two relays behind one VIP the busier is killed; what stands apart is the balancer's detection. */
export const vipMoved: Scenario = async (effort) => {
  const [port = 0] = await freePorts(1)
  const plans = OWN_ADDRESSES.map((bind) => ({ ...ONE_RELAY, bind, clientPorts: [port] }))
  return withFleet(plans, true, async (fleet) => {
    const balancer = await Balancer.start({ address: ONE_RELAY.vip, port }, fleet.relays)
    try {
      await fleet.placeCalls(effort.calls, CALLS_APART)
      return await measureMoves(fleet, balancer, effort)
    } finally {
      balancer.close()
    }
  })
}

/** Of two relays with a VIP each, the one that carries the most calls of light clients is killed. */
export const secondVipLight: Scenario = async (effort) => {
  const clientPorts = await freePorts(2)
  const plans = OWN_ADDRESSES.map((vip) => ({ vip, bind: vip, clientPorts, threads: 1 }))
  return withFleet(plans, true, async (fleet) => {
    await fleet.placeCalls(effort.calls, CALLS_APART)
    let victim: RelayProcess | undefined
    const kill = async () => {
      const vips = fleet.calls.map((call) => fleet.clients.relayAddressOf(call))
      const callsOf = ({ site }: RelayProcess) => fleet.calls.filter((call) => vips[call] === site.vip)
      victim = fleet.relays.toSorted((a, b) => callsOf(b).length - callsOf(a).length)[0]
      await victim?.kill()
      return { calls: victim === undefined ? [] : callsOf(victim), apart: 0 }
    }
    const repair = async () => victim?.start()
    return measureKills(fleet, { kills: effort.kills, kill, repair, restMillis: REST_OF_PATHS })
  })
}

async function measureRestarts(fleet: BenchFleet, effort: Effort): Promise<GapSample[]> {
  await fleet.placeCalls(effort.calls, CALLS_APART)
  const [relay] = fleet.relays
  const kill = async () => {
    await relay?.kill()
    await relay?.start()
    return { calls: fleet.calls, apart: relay?.startMillis ?? 0 }
  }
  return measureKills(fleet, { kills: effort.kills, kill, restMillis: REST_OF_BINDINGS })
}

async function measureMoves(fleet: BenchFleet, balancer: Balancer, effort: Effort): Promise<GapSample[]> {
  let victim = 0
  const kill = async () => {
    const targets = fleet.calls.map((call) => balancer.targetOf(fleet.clients.portOf(call)))
    const callsOf = (target: number) => fleet.calls.filter((call) => targets[call] === target)
    victim = Number(callsOf(1).length > callsOf(0).length)
    const calls = callsOf(victim)
    const detection = balancer.untilLost(victim)
    await fleet.relays[victim]?.kill()
    return { calls, apart: await detection }
  }
  const repair = async () => {
    await fleet.relays[victim]?.start()
    await balancer.untilWhole()
  }
  return measureKills(fleet, { kills: effort.kills, kill, repair, restMillis: REST_OF_BINDINGS })
}

async function withFleet(
  plans: readonly RelayPlan[],
  keepsBindings: boolean,
  measure: (fleet: BenchFleet) => Promise<GapSample[]>,
): Promise<GapSample[]> {
  const fleet = await BenchFleet.start(plans, keepsBindings)
  try {
    return await measure(fleet)
  } finally {
    await fleet.stop()
  }
}

const THREADS = 2
const ONE_RELAY: RelayPlan = { vip: '127.0.0.1', bind: '127.0.0.1', clientPorts: 1, threads: 1 }
/** Loopback addresses, so that two relays can have the same port. */
const OWN_ADDRESSES = ['127.0.0.2', '127.0.0.3']

/** Between two calls, so that their clients check at different times: a share of Chromium’s 2.5 s. */
const CALLS_APART = 300
/** Bindings are written once a second, so those of the last second are not in the store. */
const REST_OF_BINDINGS = 1_100
/** A thread that dies in its first second is taken for broken, and replaced more slowly. */
const REST_OF_THREADS = 1_100
/** The clients' next checks prove the paths through the restarted relay; after a move a call stays for 3 s. */
const REST_OF_PATHS = 2_000
