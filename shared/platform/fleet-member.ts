/**
 * Keeps a node in the fleet: publishes its record with every heartbeat and withdraws it at the end.
 *
 * A store that is down costs the node nothing but its visibility to new calls: the heartbeat goes on and says so
 * in the log once per outage.
 */

import { HEARTBEAT_SECONDS } from '#shared/fleet/record'
import type { FleetRecord } from '#shared/fleet/record'
import type { Log } from './log.ts'
import type { Store } from './store.ts'
import { repeat } from './repeat.ts'

export interface FleetMemberOptions {
  readonly store: Store
  /** Describes the node as it is now, `heartbeatAt` included. */
  readonly record: () => FleetRecord
  readonly log: Log
  /** `HEARTBEAT_SECONDS` when absent. */
  readonly heartbeatSeconds?: number
}

export interface FleetMember {
  /** Publishes at once, without waiting for the next heartbeat: for a change that matters, such as a drain. */
  publish(): Promise<void>
  /** Ends the heartbeat and withdraws the record; never rejects. */
  stop(): Promise<void>
}

/** Starts the heartbeat, with the first one at once. */
export function startFleetMember(options: FleetMemberOptions): FleetMember {
  const { store, record, log, heartbeatSeconds = HEARTBEAT_SECONDS } = options
  const heartbeat = repeat({
    task: () => store.publish(record()),
    intervalMillis: heartbeatSeconds * 1_000,
    onFailed: (error) => log.warn('The heartbeat does not reach the store', { error }),
    onRecovered: () => log.info('The heartbeat reaches the store again'),
  })
  return {
    publish: () => heartbeat.runNow(),
    stop: async () => {
      await heartbeat.stop()
      await store
        .withdraw(record().id)
        .catch((error: Error) => log.warn('The record could not be withdrawn', { error }))
    },
  }
}
