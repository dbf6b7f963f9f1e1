/**
 * One reader's picture of the fleet over time: what a registry that was down or lost its data must not change.
 *
 * Leases end while the store is away, because heartbeats do not arrive; right after its return most records are
 * stale or missing, though the nodes behind them are well. So for one lease after an outage, or after the registry
 * was found empty, nodes that have vanished are carried over from the last snapshot.
 */

import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'
import { LEASE_SECONDS } from './record.ts'
import type { FleetRecord } from './record.ts'
import { buildSnapshot } from './snapshot.ts'
import type { FleetSnapshot } from './snapshot.ts'

/** Turns successive reads of the registry, and failures to read it, into snapshots. */
export class FleetView {
  #snapshot: FleetSnapshot | undefined
  #carryUntil = 0
  #wasEmpty = true

  /** Begins with the records that a former life of this node remembered, whatever their leases say. */
  constructor(remembered: readonly FleetRecord[] = []) {
    if (remembered.length === 0) return
    this.#wasEmpty = false
    this.#snapshot = buildSnapshot(
      remembered.map((record) => ({ ...record, heartbeatAt: REMEMBERED_AT })),
      REMEMBERED_AT,
    )
  }

  /** Takes one read of the registry and returns the fleet as it is now. */
  handleRecords(records: readonly unknown[], now: EpochSeconds): FleetSnapshot {
    const read = buildSnapshot(records, now)
    const isEmpty = nodesOf(read).length === 0
    if (isEmpty && !this.#wasEmpty) this.handleFailure(now)
    this.#wasEmpty = isEmpty
    this.#snapshot = now < this.#carryUntil ? this.#carryOver(records, now) : read
    return this.#snapshot
  }

  /** Takes note that the registry could not be read. */
  handleFailure(now: EpochSeconds): void {
    this.#carryUntil = now + LEASE_SECONDS
  }

  /** The fleet as it was last known; `undefined` before the first read, when nothing was remembered. */
  get snapshot(): FleetSnapshot | undefined {
    return this.#snapshot
  }

  /** A carried record counts as one at the end of its lease, so that any other of the same name supersedes it. */
  #carryOver(records: readonly unknown[], now: EpochSeconds): FleetSnapshot {
    const known = this.#snapshot ? nodesOf(this.#snapshot) : []
    const carried = known.map((node) => ({ ...node, heartbeatAt: now - LEASE_SECONDS }))
    return buildSnapshot([...records, ...carried], now)
  }
}

/** Of remembered records only their names count. */
const REMEMBERED_AT = epochSecondsOf(0)

function nodesOf({ relays, transceivers }: FleetSnapshot): FleetRecord[] {
  return [...relays, ...transceivers]
}
