/** One suite for both shells of the relay: threads with batched sockets, and one thread on dgram. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Client, Endpoint } from '#shared/endpoint'
import { FRAME_FLAG_BIND, FRAME_FLAG_UNBIND, MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'
import { isBatchSupported } from '#shared/platform/batch-support'
import { epochNow } from '#shared/platform/clock'
import { openLog } from '#shared/platform/log'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import { readConfig } from '../../relay-nodes/config.ts'
import { DOWNLINK_FORWARDED, FLOWS_UNBOUND, UPLINK_FORWARDED } from '../../relay-nodes/core/counters.ts'
import { DROP_REASONS } from '../../relay-nodes/core/drop-reasons.ts'
import { FLOW_FOUND, RECORD_CLIENT, RECORD_ROUTE, RECORD_WORDS } from '../../relay-nodes/core/flow-records.ts'
import { routeWord } from '../../relay-nodes/core/upstreams.ts'
import { startForwarding } from '../../relay-nodes/io/forwarding.ts'
import type { Forwarding } from '../../relay-nodes/io/forwarding.ts'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  dtlsPacket,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
} from '../../relay-nodes/test-packets.ts'
import type { TestFrame } from '../../relay-nodes/test-packets.ts'
import { TcpCaller } from '../../relay-nodes/test-tcp-caller.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { relayEnvironment } from '../relay-process.ts'
import { until } from '../until.ts'

const COOKIE = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
const ROUTE = { cluster: 1, transceiver: 1, session: 1, expiryMinutes: minutesOf(epochNow()) + 60, flags: 0 }
const CHECK = bindingRequest(mintUfrag(ROUTE, ROUTE_KEYS))

const opened: { close(): Promise<void> }[] = []
let forwarding: Forwarding
let transceiver: Awaited<ReturnType<typeof openTransceiver>>
let clients: Endpoint[]
let tcp: Endpoint
let link: Endpoint

const SHELLS = isBatchSupported() ? [['threads', 2] as const, ['dgram', 0] as const] : [['dgram', 0] as const]

describe.each(SHELLS)('the relay on %s', (_, threads) => {
  beforeEach(() => start(threads, new Int32Array(0)))
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()))
    vi.unstubAllEnvs()
  })

  test('carries clients on two ports to one transceiver and back, whatever the size', async () => {
    const callers = await Promise.all([...clients, ...clients].map(openClient))
    for (const caller of callers) await caller.connect()
    const sizes = [1, 13, 160, 1200, 1408, MAX_CLIENT_PAYLOAD_BYTES]
    for (const caller of callers) for (const size of sizes) caller.send(dtlsPacket(size))
    await until(() => expect(callers.map(({ received }) => received.length)).toEqual([7, 7, 7, 7]))
    for (const { received } of callers) expect(received.slice(1)).toEqual(sizes.map(dtlsPacket))
    const listeners = new Set(transceiver.frames.map(({ client }) => client.listener))
    expect(listeners).toEqual(new Set([0, 1]))
    await settled({ [UPLINK_FORWARDED]: 28, [DOWNLINK_FORWARDED]: 28 })
  })

  test('carries a client on TCP over the same core and ufrag', async () => {
    const caller = await TcpCaller.connect(tcp)
    opened.push(caller)
    caller.send(CHECK)
    await until(() => expect(caller.received).toEqual([bindingResponse()]))
    caller.send(dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES))
    await until(() => expect(caller.received[1]).toEqual(dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES)))
    expect(transceiver.frames[0]?.client).toMatchObject({ transport: 'tcp', listener: 2 })
  })

  test('serves IPv6 clients on the same ports, with either family on the link', async () => {
    const caller = await openClient({ address: '::1', port: clients[0]?.port ?? 0 })
    await caller.connect()
    caller.send(rtpPacket(160))
    await until(() => expect(caller.received[1]).toEqual(rtpPacket(160)))
    expect(transceiver.frames[0]?.client.address).toBe('::1')
  })

  test('bundles packets that arrive together into fewer datagrams', async () => {
    const caller = await openClient(clients[0]!)
    await caller.connect()
    const before = transceiver.datagrams
    for (let i = 0; i < 40; i++) caller.send(rtpPacket(160))
    await until(() => expect(caller.received).toHaveLength(41))
    expect(transceiver.datagrams - before).toBeLessThan(40)
  })

  test('answers no stranger and counts each of its packets by reason', async () => {
    const stranger = await openClient(clients[0]!)
    const intruder = await openClient(link)
    stranger.send(bindingRequest('A'.repeat(22)))
    stranger.send(CHECK.subarray(0, 30))
    stranger.send(new Uint8Array(60).fill(0xff))
    stranger.send(dtlsPacket(9000))
    const frame = { client: stranger.endpoint, flags: FRAME_FLAG_BIND, payload: rtpPacket(20) }
    intruder.send(linkDatagram(COOKIE, frame))
    transceiver.sendWith(new Uint8Array(8), frame)
    const reasons = ['ufrag-forged', 'stun-length', 'unknown-class', 'oversize', 'stranger', 'wrong-cookie']
    await until(() =>
      expect(dropsByReason()).toEqual(Object.fromEntries(reasons.map((reason) => [reason, 1]))),
    )
    expect([stranger.received, intruder.received]).toEqual([[], []])
    expect(forwarding.counts().flows).toBe(0)
  })

  test('counts a frame for a transport that the link’s relay does not carry', async () => {
    const caller = await openClient(clients[0]!)
    await caller.connect()
    const onTcp = { ...caller.client, listener: 2, transport: 'tcp' as const }
    transceiver.send({ client: onTcp, flags: 0, payload: rtpPacket(20) })
    if (threads > 0) await until(() => expect(dropsByReason()).toEqual({ 'unknown-listener': 1 }))
    expect(caller.received).toHaveLength(1)
  })

  test('lets a flow go when its transceiver says so', async () => {
    const caller = await openClient(clients[0]!)
    await caller.connect()
    transceiver.send({ client: caller.client, flags: FRAME_FLAG_UNBIND, payload: new Uint8Array(0) })
    await settled({ [FLOWS_UNBOUND]: 1 })
    caller.send(rtpPacket(20))
    await until(() => expect(dropsByReason()['recovering']).toBe(1))
  })

  test('knows the flows of its former life before the first packet', async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()))
    const caller = await openUdpPort({ address: '127.0.0.1', port: 0 }, () => undefined)
    const record = new Int32Array(RECORD_WORDS)
    record[0] = FLOW_FOUND
    record.set(clientWords(caller.endpoint), RECORD_CLIENT)
    record[RECORD_ROUTE] = routeWord(ROUTE.cluster, ROUTE.transceiver)
    await start(threads, record)
    opened.push(caller)
    caller.send(rtpPacket(160), clientWords(clients[0]!), 0)
    await until(() => expect(transceiver.frames.map(({ payload }) => payload)).toEqual([rtpPacket(160)]))
  })

  test('leaves nothing open when a port is taken', async () => {
    const before = forwarding
    await expect(start(threads, new Int32Array(0), clients)).rejects.toThrow()
    const caller = await openClient(clients[0]!)
    await caller.connect()
    expect(forwarding).toBe(before)
  })
})

/** Starts a relay that knows one transceiver, on free ports, or on client ports that somebody has. */
async function start(threads: number, flowRecords: Int32Array, taken?: readonly Endpoint[]): Promise<void> {
  const [a = 0, b = 0, tcpPort = 0, linkPort = 0, , extra = 0] = await freePorts(6)
  const ports = taken?.map(({ port }) => port) ?? [a, b]
  const ownLink = { address: '127.0.0.1', port: linkPort }
  const ownTransceiver = await openTransceiver(ownLink)
  const environment = relayEnvironment(
    { client: a, link: linkPort, admin: extra },
    {
      FIRSTHOP_CLIENT_BIND: '::',
      FIRSTHOP_CLIENT_PORTS: ports.join(','),
      FIRSTHOP_TCP_PORTS: String(tcpPort),
      FIRSTHOP_THREADS: String(threads),
      FIRSTHOP_MAX_FLOWS: '64',
    },
  )
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const started = await startForwarding({
    config: readConfig(process.env),
    cookie: COOKIE,
    hashKey: [1, 2],
    upstreams: [{ ...ROUTE, link: ownTransceiver.endpoint }],
    flowRecords,
    onRecords: () => undefined,
    log: openLog({ write: () => undefined }),
  })
  opened.push(started)
  forwarding = started
  transceiver = ownTransceiver
  clients = ports.map((port) => ({ address: '127.0.0.1', port }))
  tcp = { address: '127.0.0.1', port: tcpPort }
  link = ownLink
}

/** A transceiver that answers every check with a BIND and sends everything else back, by the link it came by. */
async function openTransceiver(relay: Endpoint) {
  const frames: (TestFrame & { client: Partial<Client> })[] = []
  let datagrams = 0
  let origin = clientWords(relay)
  const sendWith = (cookie: Uint8Array, ...answers: TestFrame[]) =>
    port.send(linkDatagram(cookie, ...answers), origin, 0)
  const port: UdpPort = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram, sender) => {
    datagrams++
    origin = sender.slice()
    for (const frame of parseLinkDatagram(Uint8Array.from(datagram)).frames) {
      frames.push(frame)
      const { client, payload } = frame
      const answer = payload[0] === 0 ? bindingResponse() : payload
      sendWith(COOKIE, { client, flags: payload[0] === 0 ? FRAME_FLAG_BIND : 0, payload: answer })
    }
  })
  opened.push(port)
  return {
    endpoint: port.endpoint,
    frames,
    sendWith,
    send: (...answers: TestFrame[]) => sendWith(COOKIE, ...answers),
    get datagrams() {
      return datagrams
    },
  }
}

async function openClient(relay: Endpoint) {
  const received: Uint8Array[] = []
  const address = relay.address.includes(':') ? '::1' : '127.0.0.1'
  const port = await openUdpPort({ address, port: 0 }, (datagram) => received.push(Uint8Array.from(datagram)))
  opened.push(port)
  const send = (packet: Uint8Array) => port.send(packet, clientWords(relay), 0)
  const connect = async () => {
    send(CHECK)
    await until(() => expect(received).toEqual([bindingResponse()]))
  }
  return { endpoint: port.endpoint, client: port.endpoint, received, send, connect }
}

function dropsByReason(): Record<string, number> {
  const { drops } = forwarding.counts()
  const counted = DROP_REASONS.map((reason, index) => [reason, drops[index] ?? 0] as const)
  return Object.fromEntries(counted.filter(([, drop]) => drop > 0))
}

/** Waits until the counters say so; threads publish theirs once a second. */
async function settled(expected: Readonly<Record<number, number>>): Promise<void> {
  const values = () => Object.keys(expected).map((index) => forwarding.counts().counters[Number(index)])
  await until(() => expect(values()).toEqual(Object.values(expected)))
}
