/** The relay's threads on real sockets: forwarding, a thread's death, and the flows of one thread at another. */

import dgram from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FRAME_FLAG_BIND } from '#shared/link/frame'
import { isBatchSupported } from '#shared/platform/batch-support'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { openLog } from '#shared/platform/log'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import { BindingTable } from '../../relay-nodes/core/binding-table.ts'
import { UPLINK_FORWARDED } from '../../relay-nodes/core/counters.ts'
import {
  FLOW_ABSENT,
  FLOW_BOUND,
  FLOW_FOUND,
  FLOW_WANTED,
  RECORD_CLIENT,
  RECORD_ROUTE,
  RECORD_WORDS,
} from '../../relay-nodes/core/flow-records.ts'
import { RelayThreads } from '../../relay-nodes/io/relay-threads.ts'
import {
  bindingRequest,
  bindingResponse,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
} from '../../relay-nodes/test-packets.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { relayEnvironment } from '../relay-process.ts'
import { until } from '../until.ts'

const COOKIE = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
const route = { cluster: 1, transceiver: 1, session: 1, expiryMinutes: minutesOf(epochNow()) + 60, flags: 0 }
const check = bindingRequest(mintUfrag(route, ROUTE_KEYS))

let threads: RelayThreads | undefined
const sockets: dgram.Socket[] = []

afterEach(async () => {
  await threads?.stop()
  for (const socket of sockets.splice(0)) socket.close()
  vi.unstubAllEnvs()
})

async function openPeer() {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  sockets.push(socket)
  const received: { datagram: Buffer; port: number }[] = []
  socket.on('message', (datagram, { port }) => received.push({ datagram, port }))
  return { socket, received, port: (socket.address() as AddressInfo).port }
}

/** Answers what threads ask from what threads have told, as the relay's bindings do, without a store. */
function rememberFlows() {
  const table = new BindingTable(1000, [0, 0])
  return (records: Int32Array, reply: (answers: Int32Array) => void) => {
    for (let at = 0; at < records.length; at += RECORD_WORDS) {
      const client = at + RECORD_CLIENT
      if (records[at] === FLOW_BOUND)
        table.enter(records, client, records[at + RECORD_ROUTE] ?? 0, monotonicNow())
      if (records[at] !== FLOW_WANTED) continue
      const answer = records.slice(at, at + RECORD_WORDS)
      const found = table.find(records, client)
      answer[0] = found === undefined ? FLOW_ABSENT : FLOW_FOUND
      answer[RECORD_ROUTE] = found ?? 0
      reply(answer)
    }
  }
}

async function startRelay(threadCount: number) {
  const [client = 0, ...links] = await freePorts(1 + threadCount)
  const environment = relayEnvironment({ client, link: 1, admin: 2 })
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const transceiver = await openPeer()
  threads = await RelayThreads.start({
    relay: { cookie: COOKIE, listeners: 1, maxFlows: 1000, hashKey: [1, 2] },
    clients: [{ address: '127.0.0.1', port: client }],
    links: links.map((port) => ({ address: '127.0.0.1', port })),
    pins: false,
    upstreams: [],
    flowRecords: new Int32Array(0),
    onRecords: rememberFlows(),
    log: openLog({ write: () => undefined }),
  })
  const link = { address: '127.0.0.1', port: transceiver.port }
  threads.handleUpstreams([{ cluster: 1, transceiver: 1, link }])
  return { threads, client, links, transceiver }
}

/** Sends the client's check until it comes out at the transceiver, and binds the flow there. */
async function bind(
  relay: Awaited<ReturnType<typeof startRelay>>,
  from: Awaited<ReturnType<typeof openPeer>>,
) {
  const { transceiver } = relay
  let origin = 0
  await until(() => {
    from.socket.send(check, relay.client, '127.0.0.1')
    const arrival = transceiver.received.find(({ datagram }) =>
      parseLinkDatagram(datagram).frames.some(({ client }) => client.port === from.port),
    )
    expect(arrival).toBeDefined()
    origin = arrival?.port ?? 0
  })
  const client = { address: '127.0.0.1', port: from.port }
  const answer = linkDatagram(COOKIE, { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() })
  transceiver.socket.send(answer, origin, '127.0.0.1')
  await until(() => expect(from.received).not.toHaveLength(0))
  return origin
}

function packetsOf(relay: Awaited<ReturnType<typeof startRelay>>, port: number): number {
  return relay.transceiver.received
    .flatMap(({ datagram }) => parseLinkDatagram(datagram).frames)
    .filter(({ client, payload }) => client.port === port && payload[0] === 0x80).length
}

describe.skipIf(!isBatchSupported())('relay threads', () => {
  test('forward both ways, each client by one thread and its own link, and count what they do', async () => {
    const relay = await startRelay(2)
    const clients = await Promise.all(Array.from({ length: 8 }, openPeer))
    const origins = new Set<number>()
    for (const client of clients) origins.add(await bind(relay, client))
    expect([...origins].every((port) => relay.links.includes(port))).toBe(true)
    for (const client of clients) client.socket.send(rtpPacket(100), relay.client, '127.0.0.1')
    await until(() => expect(clients.map(({ port }) => packetsOf(relay, port))).toEqual(Array(8).fill(1)))
    await until(() => expect(relay.threads.counts().counters[UPLINK_FORWARDED]).toBeGreaterThanOrEqual(16))
    await until(() => expect(relay.threads.counts().flows).toBe(8))
  })

  test('go on when one of them dies: its successor serves the same flows, and no packet finds a closed port', async () => {
    const relay = await startRelay(1)
    const client = await openPeer()
    await bind(relay, client)
    const sent = 200
    // A thread that dies in its first second is taken for broken and replaced more slowly.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    for (let i = 0; i < sent; i++) {
      if (i === 50) void relay.threads.killThread(0)
      client.socket.send(rtpPacket(100), relay.client, '127.0.0.1')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await until(() => expect(packetsOf(relay, client.port)).toBeGreaterThan(0))
    expect(relay.threads.deaths).toBe(1)
    // Lost is what waits in the dead thread's hands, and what comes until the successor has its answer.
    expect(packetsOf(relay, client.port)).toBeGreaterThan(sent * 0.8)
  })

  test('give a port back when they are stopped', async () => {
    const relay = await startRelay(1)
    await relay.threads.stop()
    const socket = dgram.createSocket('udp4')
    sockets.push(socket)
    socket.bind(relay.client, '127.0.0.1')
    await once(socket, 'listening')
    threads = undefined
  })
})
