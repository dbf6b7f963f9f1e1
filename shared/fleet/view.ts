/**
 * One reader's picture of the fleet over time: what a registry that was down or lost its data must not change.
 *
 * Leases end while the store is away, because heartbeats do not arrive; right after its return most records are
 * stale or missing, though the nodes behind them are well. So for one lease after an outage, or after the registry
 * was found empty, nodes that have vanished are carried over from the last snapshot.
 */

import { LEASE_SECONDS } from './record.ts'
import { buildSnapshot } from './snapshot.ts'
import type { FleetSnapshot } from './snapshot.ts'
import type { EpochSeconds } from '#shared/time'

/** Turns successive reads of the registry, and failures to read it, into snapshots. */
export class FleetView {
  #snapshot: FleetSnapshot | undefined
  #carryUntil = 0
  #wasEmpty = true

  /** Takes one read of the registry and returns the fleet as it is now. */
  handleRecords(records: readonly unknown[], now: EpochSeconds): FleetSnapshot {
    const read = buildSnapshot(records, now)
    const isEmpty = read.relays.length + read.transceivers.length === 0
    if (isEmpty && !this.#wasEmpty) this.#carryUntil = Math.max(this.#carryUntil, now + LEASE_SECONDS)
    this.#wasEmpty = isEmpty
    this.#snapshot = this.#snapshot && now < this.#carryUntil ? carryOver(this.#snapshot, read) : read
    return this.#snapshot
  }

  /** Takes note that the registry could not be read. */
  handleFailure(now: EpochSeconds): void {
    this.#carryUntil = now + LEASE_SECONDS
  }

  /** The fleet as it was last known; `undefined` before the first read. */
  get snapshot(): FleetSnapshot | undefined {
    return this.#snapshot
  }
}

function carryOver(before: FleetSnapshot, read: FleetSnapshot): FleetSnapshot {
  return {
    ...read,
    relays: [...read.relays, ...missing(before.relays, read.relays)],
    transceivers: [...read.transceivers, ...missing(before.transceivers, read.transceivers)],
  }
}

function missing<Node extends { readonly id: string }>(
  before: readonly Node[],
  read: readonly Node[],
): Node[] {
  const ids = new Set(read.map((node) => node.id))
  return before.filter((node) => !ids.has(node.id))
}
