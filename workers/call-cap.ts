/**
 * The calls that an API key may have under way: docs/client-secrets.md.
 *
 * Every transceiver says in its record how many calls each key has there, so the count comes with the snapshot
 * that steering needs anyway: it costs no command, leaks nothing when a node dies, and is as old as a heartbeat.
 * What this isolate has placed since that heartbeat is added to it.
 */

import type { TransceiverRecord } from '#shared/fleet/record'
import type { FleetSnapshot } from '#shared/fleet/snapshot'
import { LEASE_SECONDS } from '#shared/fleet/record'
import type { ApiKey } from '#shared/keys/api-key'
import type { EpochSeconds } from '#shared/time'

/** Counts the calls of keys that have a cap. */
export class CallCap {
  #placements: readonly Placement[] = []

  /** Tells whether `apiKey` may have one more call. */
  hasRoom(apiKey: ApiKey | undefined, fleet: FleetSnapshot, now: EpochSeconds): boolean {
    if (apiKey?.maxCalls === undefined) return true
    this.#placements = this.#placements.filter(({ at }) => at > now - LEASE_SECONDS)
    return this.#callsOf(apiKey.id, fleet) < apiKey.maxCalls
  }

  /** Takes note of a call of `apiKey` that the transceiver `node` has taken. */
  note(apiKey: ApiKey | undefined, node: string, now: EpochSeconds): void {
    if (apiKey?.maxCalls === undefined || this.#placements.length >= MAX_PLACEMENTS) return
    this.#placements = [...this.#placements, { keyId: apiKey.id, node, at: now }]
  }

  #callsOf(keyId: string, { transceivers }: FleetSnapshot): number {
    const calls = transceivers.reduce((total, node) => total + (node.callsByKey?.[keyId] ?? 0), 0)
    const isUnheard = (placement: Placement) =>
      placement.keyId === keyId && transceivers.some((node) => isBefore(node, placement))
    return calls + this.#placements.filter(isUnheard).length
  }
}

interface Placement {
  readonly keyId: string
  readonly node: string
  readonly at: EpochSeconds
}

/** A heartbeat of the same second may or may not have known of the call: a cap errs to the side of refusing. */
function isBefore(record: TransceiverRecord, { node, at }: Placement): boolean {
  return record.id === node && record.heartbeatAt <= at
}

/** Bounds what one isolate remembers; more calls than this in one lease are no longer exact. */
const MAX_PLACEMENTS = 1_024
