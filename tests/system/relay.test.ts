/** The relay as a process: registration, readiness, forwarding, crash and restart, shutdown, bad configuration. */

import { execFile } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { equalBytes } from '#shared/bytes'
import type { Endpoint } from '#shared/endpoint'
import { parseFleetRecord } from '#shared/fleet/record'
import { FRAME_FLAG_BIND } from '#shared/link/frame'
import { epochNow } from '#shared/platform/clock'
import { openStore } from '#shared/platform/store'
import type { Store } from '#shared/platform/store'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
} from '../../relay-nodes/test-packets.ts'
import { startLocalStore } from '../../scripts/local-store/server.ts'
import type { LocalStore } from '../../scripts/local-store/server.ts'
import type { Child } from '../../scripts/start/child.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { transceiverRecord } from '../fleet-records.ts'
import { metricsAt } from '../metrics.ts'
import { relayEnvironment, relayProcess } from '../relay-process.ts'
import { until } from '../until.ts'

const route = { cluster: 1, transceiver: 1, session: 1, expiryMinutes: minutesOf(epochNow()) + 60, flags: 0 }
const check = bindingRequest(mintUfrag(route, ROUTE_KEYS))

let server: LocalStore
let store: Store
let relay: Child
let client: Endpoint
let link: Endpoint
let admin: number
let transceiver: Awaited<ReturnType<typeof openTransceiver>>
let environment: Record<string, string>
const lines: string[] = []

beforeEach(async () => {
  server = await startLocalStore({ port: 0, token: 'token' })
  store = openStore({ url: server.url, token: 'token' })
  const [clientPort = 0, linkPort = 0, adminPort = 0] = await freePorts(3)
  client = { address: '127.0.0.1', port: clientPort }
  link = { address: '127.0.0.1', port: linkPort }
  admin = adminPort
  transceiver = await openTransceiver()
  await store.publish(transceiverRecord({ link: transceiver.port.endpoint }, epochNow()))
  environment = relayEnvironment(
    { client: clientPort, link: linkPort, admin: adminPort },
    { UPSTASH_REDIS_REST_URL: server.url, FIRSTHOP_DRAIN_SECONDS: '1' },
  )
  relay = relayProcess(environment, (line) => lines.push(line))
  await relay.start()
})

afterEach(async () => {
  await relay.kill()
  await transceiver.port.close()
  await server.close()
})

test('registers itself, forwards both ways, and counts what it does', async () => {
  const records = (await store.readFleet()).map(parseFleetRecord)
  expect(records).toContainEqual(
    expect.objectContaining({
      id: 'relay-1',
      link,
      vips: [{ address: '127.0.0.1', udpPorts: [client.port], tcpPorts: [] }],
    }),
  )
  const caller = await openCaller()
  caller.send(rtpPacket(160))
  await caller.connect()
  caller.send(rtpPacket(160))
  await until(() => expect(caller.received).toEqual([bindingResponse(), rtpPacket(160)]))
  await caller.port.close()
  const counted = {
    firsthop_relay_flows: 1,
    firsthop_relay_upstreams: 1,
    'firsthop_relay_forwarded_packets_total{direction="uplink"}': 2,
    'firsthop_relay_forwarded_packets_total{direction="downlink"}': 2,
    'firsthop_relay_drops_total{reason="recovering"}': 1,
    'firsthop_relay_flow_events_total{event="bound"}': 1,
  }
  // Threads publish what they have counted once a second.
  await until(async () => expect(await metricsAt(admin)).toMatchObject(counted))
})

test('is killed, starts again, and carries the call on with the client’s next check', async () => {
  const caller = await openCaller()
  await caller.connect()
  const [before] = transceiver.cookies
  await relay.kill()
  await relay.start()
  caller.received.length = 0
  await caller.connect()
  caller.send(rtpPacket(160))
  await until(() => expect(caller.received).toContainEqual(rtpPacket(160)))
  await caller.port.close()
  expect(transceiver.cookies).toHaveLength(2)
  expect(transceiver.cookies.some((cookie, i) => i > 0 && equalBytes(cookie, before ?? cookie))).toBe(false)
})

test('drains on SIGTERM: not ready, still forwarding, withdrawn at the end', async () => {
  const caller = await openCaller()
  await caller.connect()
  const stopped = relay.stop()
  await until(async () => expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(503))
  await until(async () => {
    const records = (await store.readFleet()).map(parseFleetRecord)
    expect(records).toContainEqual(expect.objectContaining({ id: 'relay-1', draining: true }))
  })
  caller.send(rtpPacket(20))
  await until(() => expect(caller.received).toContainEqual(rtpPacket(20)))
  await stopped
  await caller.port.close()
  expect(JSON.stringify(await store.readFleet())).not.toContain('relay-1')
})

test('logs one JSON object per line, and no client’s address', async () => {
  lines.length = 0
  await relay.kill()
  await relay.start()
  const caller = await openCaller()
  await caller.connect()
  await caller.port.close()
  const logged = lines.map((line) => JSON.parse(line) as { message: string })
  expect(logged.map(({ message }) => message)).toContain('The relay is ready')
  expect(lines.join('\n')).not.toContain(String(caller.port.endpoint.port))
})

test('ends with every mistake in its configuration', async () => {
  const broken = { ...process.env, ...environment, FIRSTHOP_LINK: 'nowhere', FIRSTHOP_CLIENT_PORTS: '0' }
  const { code, stderr } = await run(broken)
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /FIRSTHOP_LINK .*\n.*FIRSTHOP_CLIENT_PORTS |FIRSTHOP_CLIENT_PORTS .*\n.*FIRSTHOP_LINK /,
  )
})

test('ends with one line when its port is taken', async () => {
  const { code, stderr } = await run({ ...process.env, ...environment })
  expect(code).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({ level: 'error', message: 'The relay cannot start' })
})

function run(env: NodeJS.ProcessEnv): Promise<{ code: unknown; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['relay-nodes/main.ts'], { env }, (error, _, stderr) => {
      resolve({ code: error?.code, stderr })
    })
  })
}

/** Answers every check with a BIND, and echoes everything else. */
async function openTransceiver() {
  const cookies: Uint8Array[] = []
  const port: UdpPort = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram, sender) => {
    const { cookie, frames } = parseLinkDatagram(datagram)
    if (!cookies.some((known) => equalBytes(known, cookie))) cookies.push(cookie)
    const answers = frames.map(({ client: from, payload }) => {
      const isCheck = payload[0] === 0
      return isCheck
        ? { client: from, flags: FRAME_FLAG_BIND, payload: bindingResponse() }
        : { client: from, flags: 0, payload }
    })
    port.send(linkDatagram(cookie, ...answers), sender, 0)
  })
  return { port, cookies }
}

async function openCaller() {
  const received: Uint8Array[] = []
  const port = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram) => {
    received.push(Uint8Array.from(datagram))
  })
  const send = (packet: Uint8Array) => port.send(packet, clientWords(client), 0)
  const connect = async () => {
    send(check)
    await until(() => expect(received).toContainEqual(bindingResponse()))
  }
  return { port, received, send, connect }
}
