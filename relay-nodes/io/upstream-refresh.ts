/**
 * Reads the fleet before its time when the relay lacks a transceiver: docs/relay.md.
 *
 * A transceiver takes calls as soon as it is registered, so its first call may reach a relay that has not read
 * the registry since. A sealed ufrag that names an unknown transceiver is the sign; nobody can forge one, and
 * replayed ones cost a read per second at most.
 */

import type { FleetWatch } from '#shared/platform/fleet-watch'
import { dropCode, dropIndex } from '../core/drop-reasons.ts'
import type { RelayCounts } from './relay-metrics.ts'

/** Starts to look once a second; the result ends it. */
export function startUpstreamRefresh(
  counts: () => RelayCounts,
  watch: Pick<FleetWatch, 'refresh'>,
): () => void {
  let missesBefore = 0
  let isRefreshing = false
  const timer = setInterval(() => {
    const { drops, upstreams } = counts()
    const misses = drops[UNKNOWN_UPSTREAM] ?? 0
    const isLacking = upstreams === 0 || misses > missesBefore
    missesBefore = misses
    if (!isLacking || isRefreshing) return
    isRefreshing = true
    void watch.refresh().finally(() => (isRefreshing = false))
  }, INTERVAL)
  return () => clearInterval(timer)
}

const UNKNOWN_UPSTREAM = dropIndex(dropCode('unknown-upstream'))
const INTERVAL = 1_000
