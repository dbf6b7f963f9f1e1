/**
 * One thread of the relay as a process of its own, so that its CPU time can be read: docs/benchmarks.md.
 *
 * The real `Relay` over the real `BatchPorts`, with the route key and the upstream given on the command line. Like
 * a thread of the relay it never returns to the event loop. For every line on its standard input it says what it
 * has forwarded and how many bytes its heap holds; at `collect` it collects garbage first, with `--expose-gc`.
 *
 * Usage: relay-process CLIENT_PORT LINK_PORT UPSTREAM_PORT ROUTE_KEY_HEX
 */

import { readSync, writeSync } from 'node:fs'
import { fromHex } from '#shared/bytes'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { aesBlockCipher, randomBytes } from '#shared/platform/crypto'
import * as libc from '#shared/platform/libc'
import { PacketMemory } from '#shared/platform/packet-memory'
import { openSocket } from '#shared/platform/udp-socket'
import { millisOf } from '#shared/time'
import { RouteKeyRing } from '#shared/ufrag/route'
import { DOWNLINK_FORWARDED, UPLINK_FORWARDED } from '../../relay-nodes/core/counters.ts'
import { Relay } from '../../relay-nodes/core/relay.ts'
import { BatchPorts } from '../../relay-nodes/io/batch-ports.ts'
import { widenInlining } from '../../relay-nodes/io/inlining.ts'

const STDIN = 0
const STDOUT = 1
const BUFFER_BYTES = 8 * 1024 * 1024
const TURN_MILLIS = 10
/** The letter that `collect` begins with. */
const COLLECT = 0x63
/** How often the standard input is looked at. */
const LOOK_INTERVAL = 100
/** The relay's own default. */
const MAX_FLOWS = 131_072

widenInlining()
const [clientPort = 0, linkPort = 0, upstreamPort = 0] = process.argv.slice(2, 5).map(Number)
const routeKey = fromHex(process.argv[5] ?? '') ?? new Uint8Array(0)
const address = '127.0.0.1'
const cookie = randomBytes(8)
const relay = new Relay(
  {
    cookie,
    routeKeys: new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(routeKey) }], 0),
    listeners: 1,
    maxFlows: MAX_FLOWS,
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
const line = new Uint8Array(256)
const pollfd = new PacketMemory(8)
new Int32Array(pollfd.bytes.buffer).set([STDIN, libc.POLLIN])

writeSync(STDOUT, 'ready\n')
for (let lookAt = 0; ;) {
  ports.turn(TURN_MILLIS)
  const now = millisOf(Math.floor(monotonicNow()))
  if (now >= relay.pollTimeout()) relay.handleTimeout(epochNow(), now)
  if (now < lookAt) continue
  lookAt = now + LOOK_INTERVAL
  if (libc.poll(pollfd.address, 1, 0) <= 0) continue
  if (readSync(STDIN, line) === 0) process.exit(0)
  if (line[0] === COLLECT) globalThis.gc?.()
  report()
}

function report(): void {
  const forwarded = (relay.counters[UPLINK_FORWARDED] ?? 0) + (relay.counters[DOWNLINK_FORWARDED] ?? 0)
  const { heapUsed } = process.memoryUsage()
  writeSync(STDOUT, `${JSON.stringify({ forwarded, heapUsed })}\n`)
}
