/** A relay: builds its parts and forwards packets until SIGTERM. docs/relay.md. */

import { flushCompileCache } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { mediaThreadsOf } from '#shared/fleet/media-threads'
import type { RelayRecord, TransceiverRecord } from '#shared/fleet/record'
import { startAdminServer } from '#shared/platform/admin-server'
import { openBindingStore } from '#shared/platform/binding-store'
import { epochNow } from '#shared/platform/clock'
import { FleetFile } from '#shared/platform/fleet-file'
import { startFleetMember } from '#shared/platform/fleet-member'
import { startFleetWatch } from '#shared/platform/fleet-watch'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { bindingMetrics } from './io/binding-metrics.ts'
import { Bindings } from './io/bindings.ts'
import { furtherLinkPorts, startForwarding } from './io/forwarding.ts'
import type { Forwarding } from './io/forwarding.ts'
import { startUpstreamRefresh } from './io/upstream-refresh.ts'
import { config, randomWords, secrets, spares } from './startup.ts'

/** Of this project, for the registry. */
const VERSION = '0.1.0'
/** How long the store may hold up the start: a call that goes on without it waits for its next check. */
const STORE_WAIT = 1_500

const log = openLog({ level: config.logLevel, fields: { node: config.nodeId } })
const store = openStore(config.store)
const bindings = new Bindings({
  store: openBindingStore(config.store, config.vips[0] ?? ''),
  maxFlows: config.maxFlows,
  hashKey: randomWords(),
  log,
})
const fleetFile = config.fleetFile === '' ? undefined : new FleetFile(config.fleetFile, log)
const remembered = (await fleetFile?.read()) ?? []
const firstSnapshot = Promise.withResolvers<readonly TransceiverRecord[]>()
let forwarding: Forwarding | undefined
const watch = startFleetWatch({
  store,
  log,
  remembered,
  onSnapshot: ({ transceivers }) => {
    firstSnapshot.resolve(transceivers)
    fleetFile?.write(transceivers)
    forwarding?.handleUpstreams(transceivers.flatMap(mediaThreadsOf))
  },
})
// A restarted relay knows its flows before it reads the first packet, unless the store makes it wait for them.
const stored = Promise.all([firstSnapshot.promise, bindings.readAll()])
const fallback: Awaited<typeof stored> = [
  remembered.filter((record) => record.kind === 'transceiver'),
  new Int32Array(0),
]
const [upstreams, flowRecords] = await Promise.race([stored, sleep(STORE_WAIT, fallback)])
forwarding = await startForwarding({
  config,
  ...secrets,
  upstreams: upstreams.flatMap(mediaThreadsOf),
  flowRecords,
  onRecords: (records, reply) => bindings.handleRecords(records, reply),
  spares,
  log,
}).catch(giveUp)
const { counts, metrics, close } = forwarding
if (upstreams.length === 0 || upstreams === fallback[0]) {
  void stored.then(([transceivers, records]) => {
    forwarding?.handleUpstreams(transceivers.flatMap(mediaThreadsOf))
    forwarding?.handleFlowRecords(records)
  })
}
const stopRefresh = startUpstreamRefresh(counts, watch)
let isDraining = false
const member = startFleetMember({ store, record: fleetRecord, log })
const admin = await startAdminServer({
  host: config.admin.address,
  port: config.admin.port,
  isReady: () => counts().upstreams > 0 && !isDraining,
  metrics: () => [...metrics(), ...bindingMetrics(bindings)],
}).catch(giveUp)
process.once('SIGTERM', () => void shutDown('SIGTERM'))
process.once('SIGINT', () => void shutDown('SIGINT'))
let crashes = 0
if (config.injectsFaults) process.on('SIGUSR2', () => void forwarding?.killThread(crashes++ % config.threads))
log.info('The relay is ready', {
  clientPorts: config.clientPorts.join(','),
  tcpPorts: config.tcpPorts.join(','),
})
// Not at the end only, as Node does: a relay may be killed.
flushCompileCache()

/** Takes no new calls, forwards for as long as the operator allows, and leaves. */
async function shutDown(signal: string): Promise<void> {
  log.info('The relay shuts down', { signal })
  isDraining = true
  await member.publish()
  await new Promise((resolve) => setTimeout(resolve, config.drainSeconds * 1_000))
  stopRefresh()
  await Promise.all([
    watch.stop(),
    member.stop(),
    admin.close(),
    close(),
    bindings.stop(),
    fleetFile?.close(),
  ])
  process.exit(0)
}

function fleetRecord(): RelayRecord {
  const { nodeId: id, region, latitude, longitude, link } = config
  const ports = { udpPorts: config.clientPorts, tcpPorts: config.tcpPorts }
  return {
    kind: 'relay',
    id,
    region,
    latitude,
    longitude,
    vips: config.vips.map((address) => ({ address, ...ports })),
    link,
    linkPorts: furtherLinkPorts(config),
    flows: counts().flows,
    capacity: config.maxFlows * Math.max(1, config.threads),
    draining: isDraining,
    version: VERSION,
    heartbeatAt: epochNow(),
  }
}

function giveUp(error: Error): never {
  log.error('The relay cannot start', { error })
  process.exit(1)
}
