/**
 * Sessions on media threads: what a fault in one does to the others, and how they end together. Real threads, real
 * clients (ICE, DTLS, SRTP), and a link with nothing in between.
 */

import { setFlagsFromString } from 'node:v8'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toHex } from '#shared/bytes'
import { epochNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import { isBatchSupported } from '#shared/platform/batch-support'
import { openLog } from '#shared/platform/log'
import { minutesOf, parseUfrag, ufragOf } from '#shared/ufrag/route'
import { LinkClients } from '../../bench/transceiver/link-clients.ts'
import { PLAIN_PACKET } from '../../bench/transceiver/speech.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { readConfig } from '../../transceiver-nodes/config.ts'
import type { TransceiverConfig } from '../../transceiver-nodes/config.ts'
import type { MediaThreads } from '../../transceiver-nodes/io/media-threads.ts'
import { startMedia } from '../../transceiver-nodes/io/start-media.ts'
import { relayRecord } from '../fleet-records.ts'
import { until } from '../until.ts'

let config: TransceiverConfig
let media: MediaThreads
/** Those of the first thread, and those of the second. */
let clients: [LinkClients, LinkClients]
let lines: Record<string, unknown>[]

// Of the threads to come: their usual share of the memory takes long to fill.
setFlagsFromString('--max-old-space-size=160')

beforeEach(async () => {
  const [link = 0, relayPort = 0] = await freePorts(2)
  lines = []
  const environment = environmentOf(link)
  const log = openLog({ write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) })
  config = readConfig(environment)
  media = (await startMedia({ config, environment, refreshFleet: () => {}, log })) as MediaThreads
  const links = [0, 1].map((thread) => ({ address: '127.0.0.1', port: relayPort + thread }))
  media.handleRelays(links.map((endpoint, i) => relayRecord({ id: `relay-${i}`, link: endpoint })))
  clients = links.map((bind, thread) => {
    const server = { address: '127.0.0.1', port: link + thread }
    return new LinkClients({ bind, server, speech: [PLAIN_PACKET], framesPerDatagram: 1 })
  }) as [LinkClients, LinkClients]
})
afterEach(async () => {
  for (const one of clients ?? []) one.close()
  await media?.close()
})

function environmentOf(link: number): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1',
    UPSTASH_REDIS_REST_TOKEN: 'none',
    FIRSTHOP_ROUTE_KEYS: `0:${toHex(randomBytes(16))}`,
    FIRSTHOP_CONTROL_KEY: toHex(randomBytes(32)),
    FIRSTHOP_NODE_ID: 'transceiver',
    FIRSTHOP_REGION: 'here',
    FIRSTHOP_LATITUDE: '0',
    FIRSTHOP_LONGITUDE: '0',
    FIRSTHOP_CLUSTER: '1',
    FIRSTHOP_TRANSCEIVER: '16',
    FIRSTHOP_THREADS: '2',
    FIRSTHOP_LINK: `127.0.0.1:${link}`,
    FIRSTHOP_CONTROL: '127.0.0.1:1',
    FIRSTHOP_CONTROL_URL: 'http://127.0.0.1:1',
    FIRSTHOP_ADMIN: '127.0.0.1:1',
    FIRSTHOP_LOG_LEVEL: 'warn',
  }
}

/** Places a call on the thread whose link these clients are at, and has it talk. */
async function call(of: LinkClients): Promise<void> {
  const id = await of.call(async (offer) => {
    for (;;) {
      const placed = await media.place({ requestId: 'test', offer, relays: [relayRecord({ id: 'relay-0' })] })
      if (typeof placed === 'string') throw new Error(placed)
      if (threadOf(placed.callId) === clients.indexOf(of)) return placed.answer
      // Of two that have as many calls, the thread with less to do has taken it.
      await media.hangUp(placed.callId)
    }
  })
  of.talk(id)
}

function threadOf(callId: string): number | undefined {
  const route = parseUfrag(ufragOf(callId) ?? '', config.routeKeys, minutesOf(epochNow()))
  return typeof route === 'string' ? undefined : route.transceiver - config.transceiver
}

async function untilHeard(of: LinkClients, packets: number): Promise<void> {
  const enough = of.heard + packets
  await until(() => expect(of.heard).toBeGreaterThan(enough))
}

test.runIf(isBatchSupported())(
  'a call counts from the moment it is placed, so that a drain waits for it',
  async () => {
    await call(clients[0])
    expect(media.counts.active).toBeGreaterThan(0)
    await until(() => expect(media.counts).toMatchObject({ active: 1, placed: 1 }))
  },
)

test.runIf(isBatchSupported())(
  'a call that dies with its thread just after it was placed is counted',
  async () => {
    await call(clients[0])
    await media.killThread(0)
    await until(() => expect(media.deaths).toBe(1))
    const { placed, endedByReason } = media.counts
    expect(endedByReason['thread-died']).toBeGreaterThan(0)
    expect(placed).toBeGreaterThanOrEqual(endedByReason['thread-died'] ?? 0)
  },
)

test.runIf(isBatchSupported())(
  'a thread that fails tells its clients at once; its neighbour goes on unbroken, and its seat is taken again',
  async () => {
    const [first, second] = clients
    await call(first)
    await call(second)
    await Promise.all([untilHeard(first, 25), untilHeard(second, 25)])
    media.crashThread(0)
    await until(() => expect(first.ended).toBe(1))
    await untilHeard(second, 50)
    expect({ ended: second.ended, missed: second.missed }).toEqual({ ended: 0, missed: 0 })
    await until(() => expect([media.deaths, media.threads]).toEqual([1, 2]))
    // It has said its own.
    expect(media.goodbyes).toBe(0)
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'A media thread failed and has ended its calls', thread: 0 }),
    )
    await call(first)
    await untilHeard(first, 25)
    expect({ ended: second.ended, missed: second.missed }).toEqual({ ended: 0, missed: 0 })
  },
)

test.runIf(isBatchSupported())(
  'a thread that is killed is counted with its calls, its clients learn it, and another serves its port under its id',
  async () => {
    const [first, second] = clients
    await call(first)
    await call(second)
    await Promise.all([untilHeard(first, 25), untilHeard(second, 25)])
    await until(() => expect(media.counts.active).toBe(2))
    const killedAt = performance.now()
    await media.killThread(0)
    await until(() => expect(first.ended).toBe(1))
    expect(performance.now() - killedAt).toBeLessThan(MOMENTS)
    expect(media.goodbyes).toBe(1)
    await until(() => expect(media.counts.endedByReason).toMatchObject({ 'thread-died': 1 }))
    expect(media.counts.active).toBe(1)
    await until(() => expect(media.threads).toBe(2))
    await call(first)
    await untilHeard(first, 25)
    await untilHeard(second, 25)
    expect({ ended: second.ended, missed: second.missed }).toEqual({ ended: 0, missed: 0 })
  },
)

test.runIf(isBatchSupported())(
  'a thread that answers nothing is ended, and its clients learn that as well',
  async () => {
    const [first, second] = clients
    await call(first)
    await call(second)
    await Promise.all([untilHeard(first, 25), untilHeard(second, 25)])
    await until(() => expect(media.counts.active).toBe(2))
    media.hangThread(0)
    await until(() => expect(media.goodbyes).toBe(1))
    await until(() => expect(first.ended).toBe(1))
    await until(() => expect([media.deaths, media.threads]).toEqual([1, 2]))
    expect({ ended: second.ended, missed: second.missed }).toEqual({ ended: 0, missed: 0 })
  },
)

test.runIf(isBatchSupported())(
  'a thread that runs out of memory takes only its own calls along, and its clients learn it',
  async () => {
    const [first, second] = clients
    await call(first)
    await call(second)
    await Promise.all([untilHeard(first, 25), untilHeard(second, 25)])
    media.exhaustThread(0)
    await until(() => expect(first.ended).toBe(1))
    await until(() => expect([media.goodbyes, media.deaths, media.threads]).toEqual([1, 1, 2]))
    await untilHeard(second, 25)
    expect({ ended: second.ended, missed: second.missed }).toEqual({ ended: 0, missed: 0 })
    expect(lines).toContainEqual(
      expect.objectContaining({ error: expect.stringContaining('memory') as unknown, thread: 0 }),
    )
  },
)

test.runIf(isBatchSupported())('a drain ends every call within its time, with a reason', async () => {
  const [first, second] = clients
  await call(first)
  await call(second)
  await media.drain(200)
  await until(() => expect(first.ended + second.ended).toBe(2))
  await until(() => expect(media.counts.endedByReason).toMatchObject({ 'node-draining': 2 }))
  expect(media.counts.active).toBe(0)
})

/** Far less than the 30 s in which consent expires, and enough for a busy machine. */
const MOMENTS = 1_000
