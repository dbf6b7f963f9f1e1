import { networkInterfaces } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import type { Client, Endpoint } from '#shared/endpoint'
import { FRAME_FLAG_BIND, MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import { FLOWS_BOUND } from '../core/counters.ts'
import { Relay } from '../core/relay.ts'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  dtlsPacket,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
} from '../test-packets.ts'
import type { TestFrame } from '../test-packets.ts'
import { TcpCaller } from '../test-tcp-caller.ts'
import { startDgramRelay } from './dgram-relay.ts'

const route = { cluster: 1, transceiver: 1, session: 1, expiryMinutes: minutesOf(epochNow()) + 60, flags: 0 }
const check = bindingRequest(mintUfrag(route, ROUTE_KEYS))
const cookie = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

test('carries two clients on two ports to one transceiver and back', async () => {
  const { clientPorts, transceiver } = await startRelay(['127.0.0.1', '127.0.0.1'])
  const callers = await Promise.all(clientPorts.map(({ endpoint }) => openClient(endpoint)))
  for (const caller of callers) await caller.connect()

  const longest = dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES)
  for (const [i, caller] of callers.entries()) {
    caller.send(longest)
    caller.send(rtpPacket(100 + i))
  }
  await vi.waitFor(() => expect(callers.map(({ received }) => received.length)).toEqual([3, 3]))
  expect(callers.map(({ received }) => received.slice(1))).toEqual([
    [longest, rtpPacket(100)],
    [longest, rtpPacket(101)],
  ])
  expect(new Set(transceiver.frames.map(({ client }) => client.listener))).toEqual(new Set([0, 1]))
})

test('carries clients on TCP beside those on UDP, and lets their flow go with their connection', async () => {
  const { relay, clientPorts, tcpPorts, transceiver } = await startRelay(['127.0.0.1'], ['127.0.0.1'])
  const onUdp = await openClient(endpointOf(clientPorts))
  const onTcp = await TcpCaller.connect(tcpPorts.endpoints[0]!)
  opened.push(onTcp)
  await onUdp.connect()
  onTcp.send(check)
  await vi.waitFor(() => expect(onTcp.received).toEqual([bindingResponse()]))
  for (const caller of [onUdp, onTcp]) caller.send(dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES))
  await vi.waitFor(() => expect([onUdp.received.length, onTcp.received.length]).toEqual([2, 2]))
  expect(onTcp.received[1]).toEqual(dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES))
  const clients = transceiver.frames.map(({ client }) => `${client.transport} ${client.listener}`)
  expect(new Set(clients)).toEqual(new Set(['udp 0', 'tcp 1']))

  expect(relay.flows).toBe(2)
  await onTcp.close()
  await vi.waitFor(() => expect(relay.flows).toBe(1))
  onUdp.send(rtpPacket(20))
  await vi.waitFor(() => expect(onUdp.received).toHaveLength(3))
})

test('keeps no flow that is bound for a connection that has gone', async () => {
  const { relay, tcpPorts, transceiver } = await startRelay(['127.0.0.1'], ['127.0.0.1'])
  const client: Client = { address: '127.0.0.1', port: 9, listener: 1, transport: 'tcp' }
  transceiver.send({ client, flags: FRAME_FLAG_BIND, payload: bindingResponse() })
  await vi.waitFor(() => expect(tcpPorts.counts.dropsByReason['no-connection']).toBe(1))
  expect([relay.counters[FLOWS_BOUND], relay.flows]).toEqual([1, 0])
})

test('bundles packets that arrive together', async () => {
  const { clientPorts, transceiver } = await startRelay(['127.0.0.1'])
  const caller = await openClient(endpointOf(clientPorts))
  await caller.connect()
  for (let i = 0; i < 20; i++) caller.send(rtpPacket(160))
  await vi.waitFor(() => expect(transceiver.frames).toHaveLength(21))
  expect(transceiver.datagrams).toBeLessThan(15)
})

test.skipIf(!hasIpv6())('serves IPv4 and IPv6 clients on one port', async () => {
  const { clientPorts, transceiver } = await startRelay(['::'])
  const { port } = endpointOf(clientPorts)
  for (const address of ['127.0.0.1', '::1']) {
    const caller = await openClient({ address, port })
    await caller.connect()
    caller.send(dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES))
    await vi.waitFor(() =>
      expect(caller.received).toEqual([bindingResponse(), dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES)]),
    )
  }
  expect(transceiver.frames.map(({ client }) => client.address)).toEqual([
    '127.0.0.1',
    '127.0.0.1',
    '::1',
    '::1',
  ])
})

test('answers nobody by itself, and is not disturbed by what it drops', async () => {
  const { relay, clientPorts, linkPort } = await startRelay(['127.0.0.1'])
  const stranger = await openClient(endpointOf(clientPorts))
  const intruder = await openClient(linkPort.endpoint)
  const caller = await openClient(endpointOf(clientPorts))
  stranger.send(rtpPacket(160))
  stranger.send(bindingRequest('A'.repeat(22)))
  stranger.send(new Uint8Array(9_000))
  stranger.send(new Uint8Array(0))
  intruder.send(
    linkDatagram(cookie, { client: stranger.endpoint, flags: FRAME_FLAG_BIND, payload: rtpPacket(20) }),
  )
  await caller.connect()
  caller.send(rtpPacket(20))
  await vi.waitFor(() => expect(caller.received).toHaveLength(2))
  expect([stranger.received, intruder.received]).toEqual([[], []])
  expect(relay.drops.reduce((sum, drops) => sum + drops, 0)).toBe(5)
  expect(relay.flows).toBe(1)
})

test('goes on when a packet cannot be sent', async () => {
  const { clientPorts, transceiver } = await startRelay(['127.0.0.1'])
  const caller = await openClient(endpointOf(clientPorts))
  await caller.connect()
  transceiver.send({ client: { address: '::1', port: 9 }, flags: 0, payload: rtpPacket(20) })
  caller.send(rtpPacket(20))
  await vi.waitFor(() => expect(caller.received).toHaveLength(2))
  expect(clientPorts.map(({ failuresByCode }) => Object.fromEntries(failuresByCode))).toEqual([{ EINVAL: 1 }])
})

test('leaves nothing open when a port is taken', async () => {
  const { relay, clientPorts } = await startRelay(['127.0.0.1'])
  const free = await openUdpPort({ address: '127.0.0.1', port: 0 }, () => {})
  await free.close()
  const options = { relay, cookie, clients: [free.endpoint], link: endpointOf(clientPorts) }
  await expect(startDgramRelay(options)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  opened.push(await openUdpPort(free.endpoint, () => {}))
})

/** A relay that knows one transceiver, which answers every check with a BIND and sends everything else back. */
async function startRelay(addresses: readonly string[], tcpAddresses: readonly string[] = []) {
  const config = {
    cookie,
    routeKeys: ROUTE_KEYS,
    listeners: addresses.length,
    tcpListeners: tcpAddresses.length,
    maxFlows: 16,
    hashKey: [1, 2],
  } as const
  const relay = new Relay(config, epochNow(), monotonicNow())
  const [clients, tcpClients] = [addresses, tcpAddresses].map((list) =>
    list.map((address) => ({ address, port: 0 })),
  )
  const link = { address: '127.0.0.1', port: 0 }
  const shell = await startDgramRelay({ relay, cookie, clients: clients!, tcpClients: tcpClients!, link })
  const transceiver = await openTransceiver(shell.linkPort.endpoint)
  relay.handleUpstreams([{ ...route, link: transceiver.endpoint }], monotonicNow())
  opened.push(shell)
  return { relay, transceiver, ...shell }
}

async function openTransceiver(relay: Endpoint) {
  const frames: (TestFrame & { client: Partial<Client> })[] = []
  let datagrams = 0
  const send = (...answers: TestFrame[]) => port.send(linkDatagram(cookie, ...answers), clientWords(relay), 0)
  const port: UdpPort = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram) => {
    datagrams++
    for (const frame of parseLinkDatagram(datagram).frames) {
      frames.push(frame)
      const { client, payload } = frame
      const isCheck = payload[0] === 0
      send(
        isCheck
          ? { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() }
          : { client, flags: 0, payload },
      )
    }
  })
  opened.push(port)
  return {
    endpoint: port.endpoint,
    frames,
    send,
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
    send(check)
    await vi.waitFor(() => expect(received).toEqual([bindingResponse()]))
  }
  return { endpoint: port.endpoint, received, send, connect }
}

function endpointOf(ports: readonly UdpPort[]): Endpoint {
  return ports[0]?.endpoint ?? { address: '', port: 0 }
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
}
