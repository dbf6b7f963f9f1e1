/**
 * The fleet at one moment: the records of the registry that are valid, alive and unambiguous.
 *
 * A node that restarts may be seen twice until its former lease ends: under one id, or under a new id with the
 * ids that routing ufrags name it by. Only the younger heartbeat counts, so every name stands for one node.
 */

import type { EpochSeconds } from '#shared/time'
import { mediaThreadsOf } from './media-threads.ts'
import { LEASE_SECONDS, parseFleetRecord } from './record.ts'
import type { FleetRecord, RecordFault, RelayRecord, TransceiverRecord } from './record.ts'

/** The live nodes in the order of their ids, and how many records were left out, by reason. */
export interface FleetSnapshot {
  readonly relays: readonly RelayRecord[]
  readonly transceivers: readonly TransceiverRecord[]
  readonly rejectedByReason: Readonly<Record<RecordRejection, number>>
}

export type RecordRejection = RecordFault | 'record-expired' | 'record-from-future' | 'record-superseded'

/** Reads the registry's records, decoded JSON values, as they stand at `now`. */
export function buildSnapshot(records: readonly unknown[], now: EpochSeconds): FleetSnapshot {
  const rejectedByReason: Record<RecordRejection, number> = { ...NONE_REJECTED }
  const alive: FleetRecord[] = []
  for (const input of records) {
    const record = parseFleetRecord(input)
    const reason = typeof record === 'string' ? record : leaseFault(record, now)
    if (reason !== undefined) rejectedByReason[reason]++
    else alive.push(record as FleetRecord)
  }
  const named = dropSuperseded(alive)
  rejectedByReason['record-superseded'] = alive.length - named.length
  return {
    relays: named.filter((record) => record.kind === 'relay'),
    transceivers: named.filter((record) => record.kind === 'transceiver'),
    rejectedByReason,
  }
}

function leaseFault(record: FleetRecord, now: EpochSeconds): RecordRejection | undefined {
  if (record.heartbeatAt < now - LEASE_SECONDS) return 'record-expired'
  // A clock that runs ahead would keep a dead node alive; one lease of tolerance is as much as it may gain.
  if (record.heartbeatAt > now + LEASE_SECONDS) return 'record-from-future'
  return undefined
}

function dropSuperseded(records: readonly FleetRecord[]): FleetRecord[] {
  const taken = new Set<string>()
  return records
    .toSorted((a, b) => b.heartbeatAt - a.heartbeatAt || compareIds(a, b))
    .filter((record) => claimNames(record, taken))
    .toSorted(compareIds)
}

function claimNames(record: FleetRecord, taken: Set<string>): boolean {
  const names = [`${record.kind} ${record.id}`]
  if (record.kind === 'transceiver') {
    for (const thread of mediaThreadsOf(record)) names.push(`route ${thread.cluster} ${thread.transceiver}`)
  }
  const isFree = names.every((name) => !taken.has(name))
  if (isFree) names.forEach((name) => taken.add(name))
  return isFree
}

function compareIds(a: FleetRecord, b: FleetRecord): number {
  return a.id < b.id ? -1 : Number(a.id > b.id)
}

const NONE_REJECTED: Readonly<Record<RecordRejection, number>> = {
  'record-malformed': 0,
  'record-unknown-kind': 0,
  'record-expired': 0,
  'record-from-future': 0,
  'record-superseded': 0,
}
