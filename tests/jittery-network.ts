/**
 * A network for simulations: from a seed, which packets of a stream arrive, and when.
 *
 * Losses are independent. Jitter is how long a packet is held up: the magnitude of a normal distribution whose
 * deviation is `jitterMillis`; packets overtake each other, as over several queues or Wi-Fi retries.
 */

import { FRAME_MILLIS } from '../transceiver-nodes/core/media/pacer.ts'
import { Random } from './fuzz/random.ts'

/** What the network does, and how far the sender's clock is from ours. */
export interface NetworkOptions {
  readonly seed: number
  readonly lossShare: number
  readonly jitterMillis: number
  /** Parts per million by which the sender's clock is slow. */
  readonly driftPpm?: number
}

/** A packet of 20 ms that arrives. */
export interface Arrival {
  readonly index: number
  readonly sentAt: number
  readonly arrivesAt: number
}

/** Returns the packets that arrive, in order of arrival; the least way takes `TRANSIT_MILLIS`. */
export function simulateNetwork(packets: number, options: NetworkOptions): Arrival[] {
  const random = new Random(options.seed)
  const arrivals: Arrival[] = []
  for (let index = 0; index < packets; index++) {
    const sentAt = index * FRAME_MILLIS * (1 + (options.driftPpm ?? 0) / 1e6)
    const isLost = uniform(random) < options.lossShare
    const held = Math.abs(normal(random)) * options.jitterMillis
    if (!isLost) arrivals.push({ index, sentAt, arrivesAt: sentAt + TRANSIT_MILLIS + held })
  }
  return arrivals.toSorted((a, b) => a.arrivesAt - b.arrivesAt)
}

/** Box and Muller's way to a normal distribution. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random))
}

function uniform(random: Random): number {
  return random.next() / 2 ** 32
}

/** The least way through the network. */
export const TRANSIT_MILLIS = 30
