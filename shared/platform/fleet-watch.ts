/**
 * Keeps a node's picture of the fleet fresh: reads the registry every few seconds and hands on each snapshot.
 *
 * When the store is down the node goes on with the last one. Records that a crashed node left behind are removed
 * here once they are long dead, so that the registry does not grow with every machine that ever was.
 */

import { parseFleetRecord } from '#shared/fleet/record'
import type { FleetRecord } from '#shared/fleet/record'
import type { FleetSnapshot } from '#shared/fleet/snapshot'
import { FleetView } from '#shared/fleet/view'
import type { EpochSeconds } from '#shared/time'
import { epochNow } from './clock.ts'
import type { Log } from './log.ts'
import { repeat } from './repeat.ts'
import type { Store } from './store.ts'

export interface FleetWatchOptions {
  readonly store: Store
  /** Takes each snapshot that a read of the registry gave; must not throw. */
  readonly onSnapshot: (snapshot: FleetSnapshot) => void
  readonly log: Log
  /** What a former life of this node knew, to be carried over while the store is down. */
  readonly remembered?: readonly FleetRecord[]
  /** 5 when absent: one heartbeat. */
  readonly intervalSeconds?: number
}

export interface FleetWatch {
  /** Reads at once, without waiting for the next time; resolves when it has read, or failed to. */
  refresh(): Promise<void>
  /** Ends the watch; resolves when no read is under way. */
  stop(): Promise<void>
}

/** Starts watching, with the first read at once. */
export function startFleetWatch({
  store,
  onSnapshot,
  log,
  remembered = [],
  intervalSeconds = 5,
}: FleetWatchOptions): FleetWatch {
  const view = new FleetView(remembered)
  const readFleet = async () => {
    const records = await store.readFleet().catch((error: Error) => {
      view.handleFailure(epochNow())
      throw error
    })
    const now = epochNow()
    onSnapshot(view.handleRecords(records, now))
    await Promise.all(abandonedIds(records, now).map((id) => store.withdraw(id)))
  }
  const reading = repeat({
    task: readFleet,
    intervalMillis: intervalSeconds * 1_000,
    onFailed: (error) => log.warn('The fleet cannot be read; the last snapshot stays in use', { error }),
    onRecovered: () => log.info('The fleet can be read again'),
  })
  return { refresh: () => reading.runNow(), stop: () => reading.stop() }
}

function abandonedIds(records: readonly unknown[], now: EpochSeconds): string[] {
  const valid = records.map(parseFleetRecord).filter((record) => typeof record !== 'string')
  return valid.filter(({ heartbeatAt }) => now - heartbeatAt > ABANDONED_SECONDS).map(({ id }) => id)
}

/** A record this old belongs to no living node, whatever the clocks and the store did meanwhile. */
const ABANDONED_SECONDS = 3_600
