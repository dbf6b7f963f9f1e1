/** What one thread of the relay counts, as numbers in shared memory that the main thread reads at its leisure. */

import { COUNTERS } from '../core/counters.ts'
import { DROP_REASONS } from '../core/drop-reasons.ts'
import type { Relay } from '../core/relay.ts'
import type { BatchPorts } from './batch-ports.ts'

/** Counts of a thread, or the sum over several. */
export class ThreadCounts {
  /** The relay's counters, in the order of `core/counters.ts`. */
  readonly counters = new Float64Array(COUNTERS)
  /** Its drops, in the order of `DROP_REASONS`. */
  readonly drops = new Float64Array(DROP_REASONS.length)
  flows = 0
  upstreams = 0
  kernelDrops = 0
  refused = 0
  truncated = 0
  linkDatagrams = 0

  /** Adds what a relay on the main thread has counted. */
  addRelay(relay: Pick<Relay, 'counters' | 'drops' | 'flows' | 'upstreams'>): void {
    addTo(this.counters, relay.counters, 0)
    addTo(this.drops, relay.drops, 0)
    this.flows += relay.flows
    this.upstreams = Math.max(this.upstreams, relay.upstreams)
  }

  /** Adds what a thread has written; its flows count only while it lives. */
  add(counts: Float64Array, isAlive: boolean): void {
    addTo(this.counters, counts, 0)
    addTo(this.drops, counts, COUNTERS)
    const [flows = 0, upstreams = 0, kernelDrops = 0, refused = 0, truncated = 0, linkDatagrams = 0] =
      counts.subarray(GAUGES_AT)
    if (isAlive) this.flows += flows
    if (isAlive) this.upstreams = Math.max(this.upstreams, upstreams)
    this.kernelDrops += kernelDrops
    this.refused += refused
    this.truncated += truncated
    this.linkDatagrams += linkDatagrams
  }
}

/** Writes a thread's counts where the main thread reads them. */
export function writeThreadCounts(counts: Float64Array, relay: Relay, ports: BatchPorts): void {
  counts.set(relay.counters, 0)
  counts.set(relay.drops, COUNTERS)
  const { kernelDrops, refused, truncated, linkDatagrams } = ports.counts
  counts.set([relay.flows, relay.upstreams, kernelDrops, refused, truncated, linkDatagrams], GAUGES_AT)
}

function addTo(sums: Float64Array, counts: Float64Array, at: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (counts[at + i] ?? 0)
}

const GAUGES_AT = COUNTERS + DROP_REASONS.length
/** How many numbers a thread writes. */
export const THREAD_COUNTS = GAUGES_AT + 6
