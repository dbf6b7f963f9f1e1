/**
 * A transceiver: reads its configuration, builds its parts, serves calls until SIGTERM. docs/transceiver.md.
 *
 * This thread talks to the registry, to the Worker and to operators; media threads carry the calls.
 */

import type { TransceiverRecord } from '#shared/fleet/record'
import { SignatureVerifier } from '#shared/control/signature'
import { reasonCounter } from '#shared/metrics'
import { startAdminServer } from '#shared/platform/admin-server'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { hmacSha256, sha256 } from '#shared/platform/crypto'
import { startFleetMember } from '#shared/platform/fleet-member'
import { startFleetWatch } from '#shared/platform/fleet-watch'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { readConfig } from './config.ts'
import type { TransceiverConfig } from './config.ts'
import { mostCalls } from './core/key-usage.ts'
import type { PlaceCallFault } from './io/calls.ts'
import { startControlServer } from './io/control-server.ts'
import type { Media } from './io/media.ts'
import { mediaMetrics } from './io/media-metrics.ts'
import { OPUS_LIBRARY_NAME } from './io/opus.ts'
import { startMedia } from './io/start-media.ts'

/** Of this project, for the registry. */
const VERSION = '0.1.0'
/** How soon the registry is read again while it lists no relay. */
const FLEET_RETRY = 500
/** For calls to have their last word at the end of a drain, and the counts to tell; most are over sooner. */
const DRAIN_GRACE = 2_000

const config = configOrExit()
const log = openLog({ level: config.logLevel, fields: { node: config.nodeId } })
const store = openStore(config.store)
const media: Media = await startMedia({
  config,
  environment: process.env,
  refreshFleet: () => void watch.refresh(),
  log,
}).catch(giveUp)
let isDraining = false
const refusals: Partial<Record<PlaceCallFault, number>> = {}
const control = await startControlServer({
  bind: config.control,
  node: config.nodeId,
  verifier: new SignatureVerifier({ mac: hmacSha256(config.controlKey), sha256 }),
  media,
  place: async (request) => {
    const placed = isDraining ? 'node-draining' : await media.place(request)
    if (typeof placed === 'string') refusals[placed] = (refusals[placed] ?? 0) + 1
    return placed
  },
  log,
}).catch(giveUp)
let hasSeenFleet = false
const watch = startFleetWatch({
  store,
  log,
  onSnapshot: ({ relays }) => {
    media.handleRelays(relays)
    hasSeenFleet ||= relays.length > 0
    // A fleet that starts together: the relays may be a moment behind.
    if (!hasSeenFleet) setTimeout(() => void watch.refresh(), FLEET_RETRY)
  },
})
const member = startFleetMember({ store, record: fleetRecord, log })
const admin = await startAdminServer({
  host: config.admin.address,
  port: config.admin.port,
  isReady: () => hasSeenFleet && !isDraining,
  metrics: () => [
    ...mediaMetrics(media),
    reasonCounter('firsthop_transceiver_refusals_total', 'Calls not placed, by reason', refusals),
  ],
}).catch(giveUp)
log.info('The transceiver is up', { threads: config.threads, opus: OPUS_LIBRARY_NAME })
process.once('SIGTERM', () => void shutDown('SIGTERM'))
process.once('SIGINT', () => void shutDown('SIGINT'))

/** Refuses new calls, waits for the old ones as long as the operator allows, ends the rest and leaves. */
async function shutDown(signal: string): Promise<void> {
  log.info('The transceiver shuts down', { signal })
  isDraining = true
  const drainMillis = config.drainSeconds * 1000
  const deadline = monotonicNow() + drainMillis + DRAIN_GRACE
  await Promise.all([member.publish(), media.drain(drainMillis)])
  while (media.counts.active > 0 && monotonicNow() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await media.endAll('shut-down')
  await Promise.all([watch.stop(), member.stop(), control.close(), admin.close(), media.close()])
  process.exit(0)
}

function fleetRecord(): TransceiverRecord {
  const { nodeId: id, region, latitude, longitude, link, controlUrl, capacity } = config
  const furtherThreads = Math.max(0, config.threads - 1)
  return {
    kind: 'transceiver',
    id,
    region,
    latitude,
    longitude,
    link,
    linkPorts: Array.from({ length: furtherThreads }, (_, index) => link.port + 1 + index),
    capacity,
    draining: isDraining,
    version: VERSION,
    heartbeatAt: epochNow(),
    cluster: config.cluster,
    transceiver: config.transceiver,
    controlUrl,
    sessions: media.counts.active,
    callsByKey: mostCalls(media.counts.callsByKey),
  }
}

function configOrExit(): TransceiverConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

function giveUp(error: Error): never {
  log.error('The transceiver cannot start', { error })
  process.exit(1)
}
