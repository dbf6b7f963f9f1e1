/**
 * One thread of the relay as a process of its own, so that its CPU time can be read: docs/benchmarks.md.
 *
 * The real `Relay` over the real `BatchPorts`, with the route key and the upstream given on the command line.
 * For every line on its standard input it says what it has forwarded and allocated.
 *
 * Usage: relay-process CLIENT_PORT LINK_PORT UPSTREAM_PORT ROUTE_KEY_HEX
 */

import { createInterface } from 'node:readline'
import { getHeapStatistics } from 'node:v8'
import { fromHex } from '#shared/bytes'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { aesBlockCipher, randomBytes } from '#shared/platform/crypto'
import { openSocket } from '#shared/platform/udp-batch'
import { RouteKeyRing } from '#shared/ufrag/route'
import { DOWNLINK_FORWARDED, UPLINK_FORWARDED } from '../../relay-nodes/core/counters.ts'
import { DROP_REASONS } from '../../relay-nodes/core/drop-reasons.ts'
import { Relay } from '../../relay-nodes/core/relay.ts'
import { BatchPorts } from '../../relay-nodes/io/batch-ports.ts'

const SERVE_MILLIS = 50
const BUFFER_BYTES = 8 * 1024 * 1024
const TURN_MILLIS = 10

const [clientPort = 0, linkPort = 0, upstreamPort = 0] = process.argv.slice(2, 5).map(Number)
const routeKey = fromHex(process.argv[5] ?? '') ?? new Uint8Array(0)
const address = '127.0.0.1'
const cookie = randomBytes(8)
const relay = new Relay(
  {
    cookie,
    routeKeys: new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(routeKey) }], 0),
    listeners: 1,
    maxFlows: 1_000_000,
    hashKey: [1, 2],
  },
  epochNow(),
  monotonicNow(),
)
relay.handleUpstreams([{ cluster: 1, transceiver: 1, link: { address, port: upstreamPort } }], monotonicNow())
const ports = new BatchPorts(relay, {
  clients: [openSocket({ bind: { address, port: clientPort }, reusePort: true, bufferBytes: BUFFER_BYTES })],
  link: openSocket({ bind: { address, port: linkPort }, bufferBytes: BUFFER_BYTES }),
  cookie,
})
ports.refreshUpstreams()

createInterface({ input: process.stdin }).on('line', report).on('close', stop)
console.log('ready')
serve()

/** Serves for a while, then lets the event loop see to the input. */
function serve(): void {
  const until = monotonicNow() + SERVE_MILLIS
  while (monotonicNow() < until) ports.turn(TURN_MILLIS)
  if (monotonicNow() >= relay.pollTimeout()) relay.handleTimeout(epochNow(), monotonicNow())
  setImmediate(serve)
}

function report(): void {
  const forwarded = (relay.counters[UPLINK_FORWARDED] ?? 0) + (relay.counters[DOWNLINK_FORWARDED] ?? 0)
  const drops = Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, relay.drops[index]]))
  const { total_allocated_bytes } = getHeapStatistics()
  console.log(JSON.stringify({ forwarded, allocated: total_allocated_bytes, ...ports.counts, drops }))
}

function stop(): void {
  process.exit(0)
}
