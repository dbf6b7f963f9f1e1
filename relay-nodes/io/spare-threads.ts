/** Relay threads that wait for a seat: docs/relay.md. */

import { SpareWorkers } from '#shared/platform/spare-workers'
import type { ThreadConfig } from './thread-config.ts'

/** Has `count` relay threads load, all at once. */
export function openSpareThreads(count: number, config: ThreadConfig): SpareWorkers {
  return new SpareWorkers(count, new URL('./relay-thread.ts', import.meta.url), { workerData: config })
}
