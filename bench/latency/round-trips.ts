/** Round trips at a given rate, as the load generator measures them: bench/c/pace.h. */

import type { Contender } from '../relay/contenders.ts'

/** Quantiles of round trips, in microseconds. */
export interface RoundTrips {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** What one run at one rate gave. */
export interface PacedRun {
  /** Slices of time, and those among them in which the machine's other work had a share; they do not count. */
  readonly slices: number
  readonly disturbed: number
  readonly sent: number
  readonly lost: number
  /** Undefined when too little was undisturbed. */
  readonly roundTrips: RoundTrips | undefined
}

/** Sends `rate` packets a second through a contender and back, or `direct` to the peer and back. */
export async function paceRun(
  { load }: Contender,
  way: 'pace' | 'direct',
  rate: number,
  millis: number,
): Promise<PacedRun> {
  const answer = await load.ask(`${way} ${FLOWS} ${Math.round(rate)} ${WARM_MILLIS} ${millis}`)
  const [slices = 0, disturbed = 0, sent = 0, lost = 0, ...nanos] = answer.split(' ').map(Number)
  const [p50 = 0, p99 = 0, p999 = 0] = nanos.map((value) => value / 1_000)
  const roundTrips = sent < MIN_PACKETS ? undefined : { p50, p99, p999 }
  return { slices, disturbed, sent, lost, roundTrips }
}

/** Round trips a second for which a contender's one processor is enough: its CPU time up, and down. */
export async function capacityOf({ load, name }: Contender, millis: number): Promise<number> {
  const frames = name === 'relay' ? FRAMES_PER_DATAGRAM : 1
  const up = await secondsPerPacket(load, `uplink ${FLOWS} ${CAPACITY_WARM_MILLIS} ${millis}`)
  const down = await secondsPerPacket(load, `downlink ${FLOWS} ${frames} ${CAPACITY_WARM_MILLIS} ${millis}`)
  return 1 / (up + down)
}

async function secondsPerPacket(load: Contender['load'], command: string): Promise<number> {
  const [packets = 0, nanos = 0] = (await load.ask(command)).split(' ').map(Number)
  return nanos / 1e9 / packets
}

/** Clients at once. */
export const FLOWS = 64
/** Frames in a datagram of the link on the way down, as in bench:relay. */
const FRAMES_PER_DATAGRAM = 8
const WARM_MILLIS = 40
/** Until V8 has compiled what is hot. */
const CAPACITY_WARM_MILLIS = 1_000
/** A run with fewer says nothing of the 99.9th percentile. */
const MIN_PACKETS = 1_000
