/**
 * One thread of the relay: a `Relay` of its own on sockets that the main thread has opened. docs/relay.md.
 *
 * It starts as a spare, its relay built and nothing to do, and waits for `serve`. From then on it never
 * returns to the event loop: it polls, serves what came, and looks for messages between turns. Cold work is the
 * main thread's; what this one counts it writes to shared memory once a second.
 */

import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { LinkHealth } from '#shared/link/link-health'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import { isBatchSupported } from '#shared/platform/batch-support'
import { Environment } from '#shared/platform/environment'
import * as libc from '#shared/platform/libc'
import type { Millis } from '#shared/time'
import { Relay } from '../core/relay.ts'
import { BatchPorts } from './batch-ports.ts'
import type { ThreadConfig } from './thread-config.ts'
import { writeThreadCounts } from './thread-counts.ts'
import type { MessageToThread, ServeMessage } from './thread-messages.ts'

/** How long a turn waits for packets; messages wait as long at the most. */
const IDLE_WAIT = 20
/** The same while an answer about a flow is on its way: its next packet comes 20 ms after its last. */
const ASKING_WAIT = 1
/** How often the counts are written. */
const COUNT_INTERVAL = 1_000
/** Room for 1,024 processors, as glibc's cpu_set_t. */
const MASK_BYTES = 128

if (parentPort === null || !isBatchSupported())
  throw new Error('a relay thread is started by relay-threads.ts')
const port = parentPort
const config = workerData as ThreadConfig
const relay = new Relay(
  {
    ...config,
    routeKeys: new Environment(process.env).routeKeys('FIRSTHOP_ROUTE_KEYS'),
    recovers: true,
    health: new LinkHealth(randomBytes),
  },
  epochNow(),
  monotonicNow(),
)

port.postMessage({ type: 'spare' })
flushCompileCache()
const [first] = (await once(port, 'message')) as [MessageToThread]
if (first.type === 'serve') serve(first)

function serve(message: ServeMessage): void {
  relay.handleTimeout(epochNow(), monotonicNow())
  const ports = new BatchPorts(relay, { ...message.sockets, cookie: config.cookie })
  const counts = new Float64Array(message.counts)
  pin(message.processor)
  relay.handleUpstreams(message.upstreams, monotonicNow())
  ports.refreshUpstreams()
  if (message.flowRecords !== undefined) relay.handleFlowRecords(message.flowRecords, monotonicNow())
  let isAsking = false
  let countAt: number = monotonicNow()
  for (;;) {
    const answered = handleMessages(ports, monotonicNow())
    if (answered === 'stop') return
    ports.turn(isAsking ? ASKING_WAIT : IDLE_WAIT)
    const now = monotonicNow()
    if (relay.hasFlowRecords) {
      port.postMessage({ type: 'records', records: relay.takeFlowRecords() })
      isAsking = true
    } else if (answered === 'records') {
      isAsking = false
    }
    if (now >= relay.pollTimeout()) {
      relay.handleTimeout(epochNow(), now)
      ports.sendPings()
    }
    if (now < countAt) continue
    countAt = now + COUNT_INTERVAL
    writeThreadCounts(counts, relay, ports)
  }
}

function handleMessages(ports: BatchPorts, now: Millis): 'none' | 'records' | 'stop' {
  let seen: 'none' | 'records' = 'none'
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as MessageToThread
    if (message.type === 'stop') return 'stop'
    if (message.type === 'upstreams') {
      relay.handleUpstreams(message.upstreams, now)
      ports.refreshUpstreams()
    }
    if (message.type === 'records') {
      relay.handleFlowRecords(message.records, now)
      seen = 'records'
    }
  }
  return seen
}

/** Keeps the thread, its caches and its interrupts on one processor; a machine that forbids it is only slower. */
function pin(processor: number | undefined): void {
  if (processor === undefined) return
  const mask = new Uint8Array(MASK_BYTES)
  mask[processor >>> 3] = 1 << (processor & 7)
  libc.sched_setaffinity(0, MASK_BYTES, mask)
}
