import { expect, test } from 'vitest'
import type { Client } from '#shared/endpoint'
import { FRAME_FLAG_BIND, FRAME_FLAG_UNBIND, MAX_FRAME_HEADER_BYTES } from '#shared/link/frame'
import { encodeStunMessage } from '#shared/stun/message'
import { BINDING_INDICATION } from '#shared/stun/registry'
import { millisOf } from '#shared/time'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  dtlsPacket,
  EPOCH,
  linkDatagram,
  ROUTE_KEYS,
  rtpPacket,
  ufragTo,
} from '../test-packets.ts'
import { FLOWS_RESTORED } from './counters.ts'
import { DROP_REASONS, dropIndex } from './drop-reasons.ts'
import { FLOW_IDLE_TIMEOUT, RETELL_INTERVAL } from './flow-table.ts'
import {
  FLOW_ABSENT,
  FLOW_BOUND,
  FLOW_FOUND,
  FLOW_UNBOUND,
  FLOW_WANTED,
  FlowRecords,
} from './flow-records.ts'
import { Relay } from './relay.ts'
import { routeWord } from './upstreams.ts'
import type { Upstream } from './upstreams.ts'

const alpha: Upstream = { cluster: 4_095, transceiver: 7, link: { address: '10.0.0.1', port: 7481 } }
const beta: Upstream = { cluster: 1, transceiver: 2, link: { address: '10.0.0.2', port: 7481 } }
const client: Client = { address: '192.0.2.1', port: 50_000, listener: 0, transport: 'udp' }
const toAlpha = routeWord(alpha.cluster, alpha.transceiver)

test('tells of a flow when it is bound, moved and unbound, and not when it is confirmed', () => {
  const rig = new Rig()
  rig.send(alpha, FRAME_FLAG_BIND)
  rig.send(alpha, FRAME_FLAG_BIND)
  expect(rig.taken()).toEqual([[FLOW_BOUND, toAlpha]])
  rig.now = millisOf(rig.now + 20_000)
  rig.send(beta, FRAME_FLAG_BIND)
  rig.send(alpha, FRAME_FLAG_UNBIND)
  rig.send(beta, FRAME_FLAG_UNBIND)
  expect(rig.taken()).toEqual([
    [FLOW_BOUND, routeWord(1, 2)],
    [FLOW_UNBOUND, 0],
  ])
})

test('tells again of a flow that lives on, with a BIND after half the life of its binding', () => {
  const rig = new Rig()
  rig.send(alpha, FRAME_FLAG_BIND)
  rig.taken()
  const end = rig.now + RETELL_INTERVAL
  for (; rig.now < end; rig.now = millisOf(rig.now + 30_000)) rig.send(alpha, FRAME_FLAG_BIND)
  expect(rig.taken()).toEqual([])
  rig.send(alpha, 0)
  expect(rig.taken()).toEqual([])
  rig.send(alpha, FRAME_FLAG_BIND)
  expect(rig.taken()).toEqual([[FLOW_BOUND, toAlpha]])
})

test.each([
  ['DTLS', dtlsPacket(100)],
  ['RTP', rtpPacket(100)],
  ['an answer to a check', bindingResponse()],
])('looks a flow up for %s, drops it and what follows, and then forwards', (_, packet) => {
  const rig = new Rig()
  expect([rig.uplink(packet), rig.uplink(packet)]).toEqual(['recovering', 'recovering'])
  expect(rig.taken()).toEqual([[FLOW_WANTED, 0]])
  rig.answer(FLOW_FOUND, toAlpha)
  expect(rig.uplink(packet)).toBe('forwarded')
  expect(rig.relay.counters[FLOWS_RESTORED]).toBe(1)
})

test.each([
  ['a check', bindingRequest(ufragTo(alpha)), 'forwarded'],
  ['an indication', encodeStunMessage(BINDING_INDICATION, new Uint8Array(12), [], {}), 'unknown-flow'],
  ['nothing known', new Uint8Array([200]), 'unknown-class'],
])('looks nothing up for %s', (_, packet, fate) => {
  const rig = new Rig()
  expect(rig.uplink(packet)).toBe(fate)
  expect(rig.taken()).toEqual([])
})

test('does not restore a flow to a transceiver that is not listed', () => {
  const rig = new Rig()
  rig.uplink(rtpPacket(20))
  rig.answer(FLOW_FOUND, routeWord(9, 9))
  expect(rig.uplink(rtpPacket(20))).toBe('unknown-flow')
  expect(rig.relay.flows).toBe(0)
})

test('drops packets of a flow that nobody knows, until its check is bound', () => {
  const rig = new Rig()
  rig.uplink(rtpPacket(20))
  rig.answer(FLOW_ABSENT, 0)
  expect(rig.uplink(rtpPacket(20))).toBe('unknown-flow')
  rig.send(alpha, FRAME_FLAG_BIND)
  expect(rig.uplink(rtpPacket(20))).toBe('forwarded')
})

test('takes flows that it has not asked for, as when it starts', () => {
  const rig = new Rig()
  rig.answer(FLOW_FOUND, toAlpha)
  expect(rig.uplink(rtpPacket(20))).toBe('forwarded')
  expect(rig.taken()).toEqual([])
})

test('tells of a restored flow once its transceiver has confirmed it', () => {
  const rig = new Rig()
  rig.answer(FLOW_FOUND, toAlpha)
  rig.send(alpha, 0)
  expect(rig.taken()).toEqual([])
  rig.send(alpha, FRAME_FLAG_BIND)
  expect(rig.taken()).toEqual([[FLOW_BOUND, toAlpha]])
})

test('leaves a flow alone that was bound while the answer was on its way', () => {
  const rig = new Rig()
  rig.uplink(rtpPacket(20))
  rig.send(beta, FRAME_FLAG_BIND)
  rig.answer(FLOW_FOUND, toAlpha)
  expect(rig.upstreamOf(rtpPacket(20))).toBe(rig.upstreamOf(bindingRequest(ufragTo(beta))))
})

test('gives a restored flow to whoever binds it, unless its own transceiver has sent since', () => {
  for (const hasSent of [false, true]) {
    const rig = new Rig()
    rig.answer(FLOW_FOUND, toAlpha)
    if (hasSent) rig.send(alpha, 0)
    rig.send(beta, FRAME_FLAG_BIND)
    const owner = hasSent ? alpha : beta
    expect(rig.upstreamOf(rtpPacket(20))).toBe(rig.upstreamOf(bindingRequest(ufragTo(owner))))
  }
})

test('forgets a restored flow whose transceiver stays silent', () => {
  const rig = new Rig()
  rig.answer(FLOW_FOUND, toAlpha)
  rig.now = millisOf(rig.now + FLOW_IDLE_TIMEOUT)
  rig.relay.handleTimeout(EPOCH, rig.now)
  expect(rig.relay.flows).toBe(0)
})

test('leaves half of the table to flows that are bound here', () => {
  const rig = new Rig()
  const records = new FlowRecords(64)
  for (let port = 1; port <= 64; port++)
    records.push(FLOW_FOUND, clientWords({ ...client, port }), 0, toAlpha)
  rig.relay.handleFlowRecords(records.take(), rig.now)
  expect(rig.relay.flows).toBe(32)
  rig.send(alpha, FRAME_FLAG_BIND)
  expect(rig.uplink(rtpPacket(20))).toBe('forwarded')
})

class Rig {
  now = millisOf(1_000)
  readonly relay: Relay
  readonly #memory = new Uint8Array(2_048)

  constructor() {
    const config = {
      cookie: COOKIE,
      routeKeys: ROUTE_KEYS,
      listeners: 1,
      maxFlows: 64,
      hashKey: [1, 2],
    } as const
    this.relay = new Relay({ ...config, recovers: true }, EPOCH, this.now)
    this.relay.handleUpstreams([alpha, beta], this.now)
  }

  uplink(packet: Uint8Array): string {
    const upstream = this.upstreamOf(packet)
    return upstream < 0 ? (DROP_REASONS[dropIndex(upstream)] ?? '') : 'forwarded'
  }

  upstreamOf(packet: Uint8Array): number {
    this.#memory.set(packet, MAX_FRAME_HEADER_BYTES)
    return this.relay.handleClientPacket(
      this.#memory,
      MAX_FRAME_HEADER_BYTES,
      packet.length,
      clientWords(client),
      0,
    )
  }

  /** A transceiver sends a frame to the client. */
  send(from: Upstream, flags: number): void {
    const datagram = linkDatagram(COOKIE, { client, flags, payload: rtpPacket(20) })
    this.relay.openLinkDatagram(datagram, 0, datagram.length, clientWords(from.link), 0, this.now)
    while (this.relay.nextFrame());
  }

  answer(kind: number, route: number): void {
    const records = new FlowRecords(1)
    records.push(kind, clientWords(client), 0, route)
    this.relay.handleFlowRecords(records.take(), this.now)
  }

  /** Kind and route of each record since the last time; all are about the one client. */
  taken(): (number | undefined)[][] {
    const records = this.relay.takeFlowRecords()
    return Array.from({ length: records.length / 7 }, (_, i) => {
      expect(records.subarray(i * 7 + 1, i * 7 + 6)).toEqual(clientWords(client))
      return [records[i * 7], records[i * 7 + 6]]
    })
  }
}

const COOKIE = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
