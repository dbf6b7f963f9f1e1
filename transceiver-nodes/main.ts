/** A transceiver: reads its configuration, builds its parts, serves calls until SIGTERM. docs/transceiver.md. */

import { readI32 } from '#shared/bytes'
import { SignatureVerifier } from '#shared/control/signature'
import type { TransceiverRecord } from '#shared/fleet/record'
import { LINK_PROBE_BYTES } from '#shared/link/frame'
import { startAdminServer } from '#shared/platform/admin-server'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { hmacSha256, randomBytes, sha256 } from '#shared/platform/crypto'
import { startFleetMember } from '#shared/platform/fleet-member'
import { startFleetWatch } from '#shared/platform/fleet-watch'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { plainMetric, reasonCounter } from '#shared/metrics'
import type { Metric } from '#shared/metrics'
import { readConfig } from './config.ts'
import type { TransceiverConfig } from './config.ts'
import { DropCounts } from './io/drops.ts'
import { LinkProbes } from './core/link-probes.ts'
import { LINK_WRITER_BYTES, LinkWriter } from './core/link-writer.ts'
import type { EmitDatagram } from './core/link-writer.ts'
import { RelayDirectory } from './core/relay-directory.ts'
import { SessionTable } from './core/session-table.ts'
import { createCertificate } from './crypto/certificate.ts'
import { DtlsContext } from './crypto/dtls-context.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { createDemoBackend } from './demo/agent.ts'
import { Calls } from './io/calls.ts'
import type { Call } from './io/call.ts'
import { startControlServer } from './io/control-server.ts'
import { openLinkPort } from './io/link-port.ts'
import type { LinkPort } from './io/link-port.ts'
import { MediaLoop } from './io/media-loop.ts'
import { OPUS_LIBRARY_NAME } from './io/opus.ts'

/** The longest UDP datagram. */
const MAX_DATAGRAM_BYTES = 65_536
/** Of this project, for the registry. */
const VERSION = '0.1.0'
/** How soon the registry is read again while it lists no relay. */
const FLEET_RETRY = 500

const config = configOrExit()
const log = openLog({ level: config.logLevel, fields: { node: config.nodeId } })
const store = openStore(config.store)
// What is sent, what is pinged, and what has come.
const memory = new PacketMemory(LINK_WRITER_BYTES + LINK_PROBE_BYTES + MAX_DATAGRAM_BYTES)
const directory = new RelayDirectory()
const drops = new DropCounts()
const hashKey = randomBytes(8)
const table = new SessionTable<Call>(config.capacity, [readI32(hashKey, 0), readI32(hashKey, 4)])
let port: LinkPort | undefined
const emit: EmitDatagram = (link, start, length) => {
  const to = directory.linkAt(link)?.endpoint
  if (to !== undefined) port?.send(to, start, length)
}
const probes = new LinkProbes(memory.bytes, LINK_WRITER_BYTES, directory, randomBytes, emit)
const writer = new LinkWriter(memory.bytes, 0, directory, (link, start, length) => {
  probes.health.noteTraffic(link, monotonicNow())
  emit(link, start, length)
})
const { cluster, transceiver, routeKeys } = config
const loop = new MediaLoop<Call>({
  memory: memory.bytes,
  directory,
  table,
  writer,
  probes,
  drops,
  routeKeys,
  cluster,
  transceiver,
  log,
})
const calls = new Calls({
  node: { id: config.nodeId, region: config.region },
  cluster,
  transceiver,
  routeKeys,
  directory,
  table,
  writer,
  memory,
  linkHealth: probes.health,
  dtlsContext: new DtlsContext(createCertificate()),
  backend: createDemoBackend(),
  drops,
  refreshFleet: () => void watch.refresh(),
  requestFlush: () => loop.requestFlush(),
  log,
})

port = await openLinkPort(config.link, memory.bytes, LINK_WRITER_BYTES + LINK_PROBE_BYTES, loop, log)
loop.start()
const verifier = new SignatureVerifier({ mac: hmacSha256(config.controlKey), sha256 })
const control = await startControlServer({
  bind: config.control,
  node: config.nodeId,
  verifier,
  calls,
  log,
})
let hasSeenFleet = false
const watch = startFleetWatch({
  store,
  log,
  onSnapshot: (snapshot) => {
    directory.update(snapshot.relays, monotonicNow())
    hasSeenFleet ||= snapshot.relays.length > 0
    // A fleet that starts together: the relays may be a moment behind.
    if (!hasSeenFleet) setTimeout(() => void watch.refresh(), FLEET_RETRY)
  },
})
const member = startFleetMember({ store, record: fleetRecord, log })
const admin = await startAdminServer({
  host: config.admin.address,
  port: config.admin.port,
  isReady: () => hasSeenFleet && !calls.isDraining,
  metrics,
})
log.info('The transceiver is up', { opus: OPUS_LIBRARY_NAME })
process.once('SIGTERM', () => void shutDown('SIGTERM'))
process.once('SIGINT', () => void shutDown('SIGINT'))

/** Refuses new calls, waits for the old ones as long as the operator allows, ends the rest and leaves. */
async function shutDown(signal: string): Promise<void> {
  log.info('The transceiver shuts down', { signal })
  calls.drain()
  await member.publish()
  const deadline = monotonicNow() + config.drainSeconds * 1000
  while (table.size > 0 && monotonicNow() < deadline) await new Promise((resolve) => setTimeout(resolve, 100))
  calls.endAll('shut-down')
  loop.stop()
  await Promise.all([watch.stop(), member.stop(), control.close(), admin.close(), port?.close()])
  process.exit(0)
}

function fleetRecord(): TransceiverRecord {
  const { nodeId: id, region, latitude, longitude, link, controlUrl, capacity } = config
  return {
    kind: 'transceiver',
    id,
    region,
    latitude,
    longitude,
    link,
    capacity,
    draining: calls.isDraining,
    version: VERSION,
    heartbeatAt: epochNow(),
    cluster,
    transceiver,
    controlUrl,
    sessions: table.size,
    callsByKey: calls.callsByKey,
  }
}

function metrics(): Metric[] {
  const { active, placed, endedByReason } = calls.counts
  return [
    plainMetric('firsthop_transceiver_sessions', 'gauge', 'Calls under way', active),
    plainMetric('firsthop_transceiver_calls_total', 'counter', 'Calls placed', placed),
    reasonCounter('firsthop_transceiver_calls_ended_total', 'Calls ended, by reason', endedByReason),
    reasonCounter('firsthop_transceiver_drops_total', 'Packets dropped, by reason', drops.toRecord()),
    plainMetric('firsthop_transceiver_links', 'gauge', 'Links that carry calls', probes.health.watched),
    plainMetric('firsthop_transceiver_links_lost', 'gauge', 'Those that do not answer', probes.health.lost),
    plainMetric(
      'firsthop_transceiver_tick_lateness_millis',
      'gauge',
      'How late the worst 20 ms tick since the last scrape was',
      loop.takeWorstLateness(),
    ),
  ]
}

function configOrExit(): TransceiverConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}
