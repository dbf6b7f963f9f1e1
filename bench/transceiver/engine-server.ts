/**
 * One media engine as a process of its own: what a media thread of the transceiver runs, with a backend that echoes.
 *
 * Usage: node engine-server.ts <link port> <the relay's link port> <codec|pcm>
 */

import { setImmediate } from 'node:timers/promises'
import type { RelayRecord } from '#shared/fleet/record'
import { epochNow } from '#shared/platform/clock'
import { aesBlockCipher, randomBytes } from '#shared/platform/crypto'
import { openLog } from '#shared/platform/log'
import { openSocket } from '#shared/platform/udp-socket'
import { RouteKeyRing } from '#shared/ufrag/route'
import type { TransceiverConfig } from '../../transceiver-nodes/config.ts'
import { LATENESS_BOUNDS } from '../../transceiver-nodes/core/lateness.ts'
import { GoodbyeSlab } from '../../transceiver-nodes/core/goodbye-slab.ts'
import { createCertificate } from '../../transceiver-nodes/crypto/certificate.ts'
import { LINK_BUFFER_BYTES } from '../../transceiver-nodes/io/link-port.ts'
import { startMediaEngine } from '../../transceiver-nodes/io/media-engine.ts'
import { createEchoBackend } from './echo-backend.ts'
import type { EchoFormat } from './echo-backend.ts'
import { serveLines } from './line-server.ts'

/** A tick that is later than this has slipped. */
const SLIP_MILLIS = 5

const [linkPort, relayPort, format] = process.argv.slice(2)
const link = { address: '127.0.0.1', port: Number(linkPort) }
const log = openLog({ level: 'warn' })
const config: TransceiverConfig = {
  nodeId: 'bench',
  region: 'bench',
  latitude: 0,
  longitude: 0,
  cluster: 1,
  transceiver: 1,
  link,
  threads: 1,
  control: link,
  controlUrl: 'http://127.0.0.1',
  admin: link,
  capacity: 20_000,
  maxSessionSeconds: 3_600,
  routeKeys: new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(randomBytes(16)) }], 0),
  controlKey: randomBytes(32),
  store: { url: 'http://127.0.0.1', token: '' },
  drainSeconds: 0,
  logLevel: 'warn',
  injectsFaults: false,
  backend: undefined,
}
const relay: RelayRecord = {
  kind: 'relay',
  id: 'relay',
  region: 'bench',
  latitude: 0,
  longitude: 0,
  link: { address: '127.0.0.1', port: Number(relayPort) },
  vips: [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [] }],
  flows: 0,
  capacity: 1,
  draining: false,
  version: '0',
  heartbeatAt: epochNow(),
}
const engine = await startMediaEngine({
  config,
  index: 0,
  capacity: config.capacity,
  certificate: createCertificate(),
  backend: createEchoBackend(format as EchoFormat),
  socket: openSocket({ bind: link, bufferBytes: LINK_BUFFER_BYTES }),
  goodbyes: new SharedArrayBuffer(GoodbyeSlab.bytesFor(config.capacity)),
  refreshFleet: () => {},
  onSideband: () => undefined,
  log,
})
engine.handleRelays([relay])
serveLines({
  place: async (offer) => {
    const placed = engine.place({ requestId: 'bench', offer, relays: [relay] })
    return typeof placed === 'string' ? { refused: placed } : placed.answer
  },
  endAll: async () => {
    // A client is connected before the server is: its last flight is there, and is taken by the turn that comes first.
    await setImmediate()
    engine.endAll('bench')
  },
  counts: () => {
    const { active, placed, endedByReason, port, ticksByLateness, load } = engine.counts()
    // A client that leaves says goodbye.
    const { 'dtls-close-notify': left = 0 } = endedByReason
    const late = ticksByLateness.slice(LATENESS_BOUNDS.indexOf(SLIP_MILLIS) + 1)
    const sum = (ticks: readonly number[]) => ticks.reduce((total, count) => total + count, 0)
    return {
      active,
      placed,
      unexplained: sum(Object.values(endedByReason)) - left,
      load,
      ticks: sum(ticksByLateness),
      lateTicks: sum(late),
      lost: port.kernelDrops + port.refused,
    }
  },
})
