/** A relay: reads its configuration, builds its parts, forwards packets until SIGTERM. docs/relay.md. */

import type { RelayRecord } from '#shared/fleet/record'
import { LINK_COOKIE_BYTES } from '#shared/link/frame'
import { startAdminServer } from '#shared/platform/admin-server'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import { startFleetMember } from '#shared/platform/fleet-member'
import { startFleetWatch } from '#shared/platform/fleet-watch'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { readI32 } from '#shared/bytes'
import { MAX_FLOWS, readConfig } from './config.ts'
import type { RelayNodeConfig } from './config.ts'
import { Relay } from './core/relay.ts'
import { startDgramRelay } from './io/dgram-relay.ts'
import { relayMetrics } from './io/relay-metrics.ts'
import { tcpMetrics } from './io/tcp-metrics.ts'
import { startUpstreamRefresh } from './io/upstream-refresh.ts'

/** Of this project, for the registry. */
const VERSION = '0.1.0'

const config = configOrExit()
const log = openLog({ level: config.logLevel, fields: { node: config.nodeId } })
const store = openStore(config.store)
const cookie = randomBytes(LINK_COOKIE_BYTES)
const hashKey = randomBytes(8)
const relay = new Relay(
  {
    cookie,
    routeKeys: config.routeKeys,
    listeners: config.clientPorts.length,
    tcpListeners: config.tcpPorts.length,
    maxFlows: MAX_FLOWS,
    hashKey: [readI32(hashKey, 0), readI32(hashKey, 4)],
  },
  epochNow(),
  monotonicNow(),
)
const shell = await startDgramRelay({
  relay,
  cookie,
  clients: config.clientPorts.map((port) => ({ address: config.clientBind, port })),
  tcpClients: config.tcpPorts.map((port) => ({ address: config.clientBind, port })),
  link: config.link,
}).catch(giveUp)
const watch = startFleetWatch({
  store,
  log,
  onSnapshot: ({ transceivers }) => {
    const refused = relay.handleUpstreams(transceivers, monotonicNow())
    if (refused > 0) log.warn('There are more transceivers than this relay can know', { refused })
  },
})
const stopRefresh = startUpstreamRefresh(relay, watch)
let isDraining = false
const member = startFleetMember({ store, record: fleetRecord, log })
const admin = await startAdminServer({
  host: config.admin.address,
  port: config.admin.port,
  isReady: () => relay.upstreams > 0 && !isDraining,
  metrics: () => [
    ...relayMetrics(relay, shell.clientPorts, shell.linkPort),
    ...tcpMetrics(shell.tcpPorts.counts),
  ],
}).catch(giveUp)
process.once('SIGTERM', () => void shutDown('SIGTERM'))
process.once('SIGINT', () => void shutDown('SIGINT'))
log.info('The relay is ready', {
  clientPorts: config.clientPorts.join(','),
  tcpPorts: config.tcpPorts.join(','),
})

/** Takes no new calls, forwards for as long as the operator allows, and leaves. */
async function shutDown(signal: string): Promise<void> {
  log.info('The relay shuts down', { signal })
  isDraining = true
  await member.publish()
  await new Promise((resolve) => setTimeout(resolve, config.drainSeconds * 1_000))
  stopRefresh()
  await Promise.all([watch.stop(), member.stop(), admin.close(), shell.close()])
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
    flows: relay.flows,
    capacity: MAX_FLOWS,
    draining: isDraining,
    version: VERSION,
    heartbeatAt: epochNow(),
  }
}

function giveUp(error: Error): never {
  log.error('The relay cannot start', { error })
  process.exit(1)
}

function configOrExit(): RelayNodeConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}
