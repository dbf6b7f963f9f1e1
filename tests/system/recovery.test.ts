/** Flows that outlive their relay: its restart, its sibling, and what a flood of made-up flows costs the store. */

import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '#shared/endpoint'
import { FRAME_FLAG_BIND, LINK_PROBE_BYTES, LINK_TYPE_PING, LINK_TYPE_PONG } from '#shared/link/frame'
import { isBatchSupported } from '#shared/platform/batch-support'
import { openBindingStore } from '#shared/platform/binding-store'
import type { BindingStore } from '#shared/platform/binding-store'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { startFleetMember } from '#shared/platform/fleet-member'
import type { FleetMember } from '#shared/platform/fleet-member'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import { READ_BURST, READS_PER_SECOND } from '../../relay-nodes/io/binding-reader.ts'
import { WRITE_INTERVAL } from '../../relay-nodes/io/binding-writer.ts'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
} from '../../relay-nodes/test-packets.ts'
import type { Engine } from '../../scripts/local-store/engine.ts'
import { MemoryEngine } from '../../scripts/local-store/memory-engine.ts'
import { createRestServer } from '../../scripts/local-store/rest-server.ts'
import type { Child } from '../../scripts/start/child.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { transceiverRecord } from '../fleet-records.ts'
import { metricsAt } from '../metrics.ts'
import { relayEnvironment, relayProcess } from '../relay-process.ts'
import { until } from '../until.ts'

const route = { cluster: 1, transceiver: 1, session: 1, expiryMinutes: minutesOf(epochNow()) + 60, flags: 0 }
const check = bindingRequest(mintUfrag(route, ROUTE_KEYS))
const VIP = '127.0.0.1'

let server: Server
let url: string
let folder: string
let commands: string[]
let bindings: BindingStore
let member: FleetMember
let transceiver: Awaited<ReturnType<typeof openTransceiver>>
const relays: Child[] = []
const ports: UdpPort[] = []

beforeEach(async () => {
  commands = []
  folder = await mkdtemp(join(tmpdir(), 'firsthop-'))
  server = createRestServer({ engine: countingEngine(), token: 'token' }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  bindings = openBindingStore({ url, token: 'token' }, VIP)
  transceiver = await openTransceiver()
  member = startFleetMember({
    store: openStore({ url, token: 'token' }),
    record: () => transceiverRecord({ link: transceiver.port.endpoint }, epochNow()),
    log: openLog({ write: () => undefined }),
  })
})

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.kill()
  for (const port of ports.splice(0)) await port.close()
  await member.stop()
  closeServer()
  await rm(folder, { recursive: true })
})

describe.each([0, 2].filter((threads) => threads === 0 || isBatchSupported()))(
  'with %i threads',
  (threads) => {
    test('the first packets that a restarted relay reads go on to their transceiver', async () => {
      const relay = await startRelay(threads)
      const callers = await Promise.all(Array.from({ length: 20 }, () => openCaller(relay.client)))
      for (const caller of callers) await caller.connect()
      await untilStored(callers.length)
      await relay.child.kill()
      for (const caller of callers) caller.talk()
      await relay.child.start()
      await until(() => {
        for (const { received } of callers) expect(received.length).toBeGreaterThan(10)
      })
      const metrics = await metricsAt(relay.admin)
      expect(metrics['firsthop_relay_drops_total{reason="unknown-flow"}']).toBe(0)
      expect(metrics['firsthop_relay_drops_total{reason="recovering"}']).toBe(0)
    })

    test('without their bindings they are dropped until the client’s next check', async () => {
      const relay = await startRelay(threads)
      const caller = await openCaller(relay.client)
      await caller.connect()
      const [field = ''] = await untilStored(1)
      await relay.child.kill()
      await bindings.remove([field])
      await relay.child.start()
      caller.talk()
      await until(async () => {
        const metrics = await metricsAt(relay.admin)
        expect(metrics['firsthop_relay_drops_total{reason="recovering"}']).toBeGreaterThan(0)
        expect(metrics['firsthop_relay_drops_total{reason="unknown-flow"}']).toBeGreaterThan(0)
      })
      expect(caller.received).toEqual([])
      await caller.connect()
      await until(() => expect(caller.received).toContainEqual(rtpPacket(160)))
    })

    test('a relay that restarts while the store is down forwards by the fleet that it remembers', async () => {
      const relay = await startRelay(threads)
      const caller = await openCaller(relay.client)
      await caller.connect()
      await until(async () => expect(await readFile(relay.fleetFile, 'utf8')).toContain('transceiver'))
      await relay.child.kill()
      closeServer()
      await relay.child.start()
      await caller.connect()
      caller.talk()
      await until(() => expect(caller.received).toContainEqual(rtpPacket(160)))
    })

    test('a sibling behind the same VIP finds the flows that a balancer moves to it', async () => {
      const [first, sibling] = [await startRelay(threads), await startRelay(threads)]
      const callers = await Promise.all(Array.from({ length: 20 }, () => openCaller(first.client)))
      for (const caller of callers) await caller.connect()
      await untilStored(callers.length)
      await first.child.kill()
      commands.length = 0
      for (const caller of callers) {
        caller.received.length = 0
        caller.talk(sibling.client)
      }
      await until(() => {
        for (const { received } of callers) expect(received).toContainEqual(rtpPacket(160))
      })
      expect(countOf('hmget')).toBeLessThan(callers.length)
    })

    test('a flood of made-up flows reads the store no more often than its budget says', async () => {
      const relay = await startRelay(threads)
      const sources = await Promise.all(Array.from({ length: 400 }, () => openCaller(relay.client)))
      commands.length = 0
      const startedAt = monotonicNow()
      for (const source of sources) {
        source.send(rtpPacket(160))
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      const seconds = (monotonicNow() - startedAt) / 1_000
      const reads = countOf('hmget')
      expect(reads).toBeGreaterThan(READ_BURST)
      expect(reads).toBeLessThanOrEqual(READ_BURST + READS_PER_SECOND * seconds + 1)
    })
  },
)

test('calls that begin together share a write, and cost nothing more while they go on', async () => {
  const relay = await startRelay(0)
  const callers = await Promise.all(Array.from({ length: 50 }, () => openCaller(relay.client)))
  const startedAt = monotonicNow()
  await Promise.all(callers.map((caller) => caller.connect()))
  await untilStored(callers.length)
  const writes = countOf('hset')
  expect(writes).toBeLessThanOrEqual(1 + (monotonicNow() - startedAt) / WRITE_INTERVAL)
  for (const caller of callers) await caller.connect()
  await new Promise((resolve) => setTimeout(resolve, 2 * WRITE_INTERVAL))
  expect(['hset', 'hdel', 'hmget'].map(countOf)).toEqual([writes, 0, 0])
})

function closeServer(): void {
  server.close()
  server.closeAllConnections()
}

/** Waits until so many bindings are in the store. */
async function untilStored(count: number): Promise<string[]> {
  return until(async () => {
    const rows = await bindings.readAll()
    expect(rows).toHaveLength(2 * count)
    return rows
  })
}

/** How often a command on bindings came, in all or since `commands` was emptied. */
function countOf(name: string): number {
  return commands.filter((command) => command === `${name} firsthop:bindings:${VIP}`).length
}

async function startRelay(threads: number) {
  const [clientPort = 0, linkPort = 0, adminPort = 0] = await freeRuns(threads)
  const fleetFile = join(folder, `fleet-${relays.length}.json`)
  const child = relayProcess(
    relayEnvironment(
      { client: clientPort, link: linkPort, admin: adminPort },
      {
        UPSTASH_REDIS_REST_URL: url,
        FIRSTHOP_NODE_ID: `relay-${relays.length}`,
        FIRSTHOP_THREADS: String(threads),
        FIRSTHOP_FLEET_FILE: fleetFile,
      },
    ),
  )
  relays.push(child)
  await child.start()
  return { child, client: { address: VIP, port: clientPort }, admin: adminPort, fleetFile }
}

/** Ports for clients, the first of the links, and the admin endpoint; the further links follow the first. */
async function freeRuns(threads: number): Promise<number[]> {
  for (;;) {
    const [client = 0, link = 0, admin = 0] = await freePorts(3)
    const links = Array.from({ length: Math.max(1, threads) }, (_, i) => link + i)
    if (!links.includes(client) && !links.includes(admin)) return [client, link, admin]
  }
}

/** Answers every check with a BIND and every ping with a pong, and echoes everything else. */
async function openTransceiver() {
  const port: UdpPort = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram, sender) => {
    if (datagram.length === LINK_PROBE_BYTES && datagram[1] === LINK_TYPE_PING) {
      const pong = Uint8Array.from(datagram)
      pong[1] = LINK_TYPE_PONG
      return port.send(pong, sender, 0)
    }
    const { cookie, frames } = parseLinkDatagram(datagram)
    const answers = frames.map(({ client, payload }) =>
      payload[0] === 0
        ? { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() }
        : { client, flags: 0, payload },
    )
    port.send(linkDatagram(cookie, ...answers), sender, 0)
  })
  ports.push(port)
  return { port }
}

async function openCaller(relay: Endpoint) {
  const received: Uint8Array[] = []
  const port = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram) => {
    received.push(Uint8Array.from(datagram))
  })
  ports.push(port)
  let timer: NodeJS.Timeout | undefined
  const close = port.close.bind(port)
  port.close = () => {
    clearInterval(timer)
    return close()
  }
  const send = (packet: Uint8Array, to = relay) => port.send(packet, clientWords(to), 0)
  /** Sends a packet every 20 ms from now on, and never a check. */
  const talk = (to = relay) => {
    clearInterval(timer)
    timer = setInterval(() => send(rtpPacket(160), to), 20)
  }
  const connect = async () => {
    received.length = 0
    send(check)
    await until(() => expect(received).toContainEqual(bindingResponse()))
    received.length = 0
  }
  return { received, send, talk, connect }
}

/** The embedded engine, with the name and the key of each command noted. */
function countingEngine(): Engine {
  const engine = new MemoryEngine(monotonicNow)
  return {
    execute: (list) => {
      for (const [name, key] of list) commands.push(`${name.toLowerCase()} ${key}`)
      return engine.execute(list)
    },
    transact: (list) => engine.transact(list),
  }
}
