import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, utf8 } from '#shared/bytes'
import { readClient } from '#shared/endpoint'
import type { Client, Endpoint } from '#shared/endpoint'
import {
  FRAME_FLAG_BIND,
  FRAME_FLAG_UNBIND,
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_PROBE_BYTES,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  MAX_CLIENT_PAYLOAD_BYTES,
  MAX_FRAME_HEADER_BYTES,
  writeLinkProbe,
} from '#shared/link/frame'
import { LinkHealth } from '#shared/link/link-health'
import { aesBlockCipher } from '#shared/platform/crypto'
import { BINDING_REQUEST } from '#shared/stun/registry'
import { encodeStunMessage } from '#shared/stun/message'
import { username } from '#shared/stun/attributes'
import { epochSecondsOf, millisOf } from '#shared/time'
import { RouteKeyRing } from '#shared/ufrag/route'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  dtlsPacket,
  EPOCH,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
  ufragTo,
} from '../test-packets.ts'
import type { TestFrame } from '../test-packets.ts'
import {
  DOWNLINK_BYTES,
  DOWNLINK_FORWARDED,
  FLOWS_CLOSED,
  FLOWS_EXPIRED,
  FLOWS_HELD,
  FLOWS_REFUSED,
  FRAMES_RECEIVED,
  FRAMES_SILENT,
  LINK_RECEIVED,
  UPLINK_BYTES,
  UPLINK_FORWARDED,
  UPLINK_RECEIVED,
  UPSTREAMS_LOST,
} from './counters.ts'
import {
  DROP_REASONS,
  dropIndex,
  FRAME_DROP_REASONS,
  LINK_DROP_REASONS,
  UPLINK_DROP_REASONS,
} from './drop-reasons.ts'
import type { DropReason } from './drop-reasons.ts'
import { FLOW_HOLD, FLOW_IDLE_TIMEOUT } from './flow-table.ts'
import { Relay } from './relay.ts'
import type { RelayConfig } from './relay.ts'
import { SESSION_BURST, SESSION_RATE } from './session-budget.ts'
import { SOURCE_BURST } from './source-budget.ts'
import type { Upstream } from './upstreams.ts'

const COOKIE = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
const alpha: Upstream = { cluster: 1, transceiver: 1, link: { address: '10.0.0.1', port: 7481 } }
const beta: Upstream = { cluster: 1, transceiver: 2, link: { address: '10.0.0.2', port: 7481 } }
const client: Client = { address: '192.0.2.1', port: 50_000, listener: 1, transport: 'udp' }
/** In the client's network. */
const neighbour: Client = { ...client, address: '192.0.2.254' }
const attacker: Client = { address: '2001:db8::bad', port: 666, listener: 0, transport: 'udp' }

describe('uplink', () => {
  test('routes a Binding request by its ufrag and keeps nothing', () => {
    const rig = new Rig()
    const check = bindingRequest(ufragTo(alpha))
    expect(rig.uplink(client, check)).toEqual({ to: alpha, client, payload: check })
    expect(rig.relay.flows).toBe(0)
  })

  test('frames IPv4 and IPv6 clients alike', () => {
    const rig = new Rig()
    const check = bindingRequest(ufragTo(beta))
    expect(rig.uplink(attacker, check)).toEqual({ to: beta, client: attacker, payload: check })
  })

  test('forwards everything else of a bound client, up to the largest payload', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    const packets = [dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES), rtpPacket(160), bindingResponse()]
    for (const payload of packets) expect(rig.uplink(client, payload)).toEqual({ to: alpha, client, payload })
    expect(rig.relay.counters[UPLINK_FORWARDED]).toBe(3)
    expect(rig.relay.counters[UPLINK_BYTES]).toBe(packets.reduce((sum, packet) => sum + packet.length, 0))
  })

  test('routes every Binding request again, though the flow is known', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    expect(rig.uplink(client, bindingRequest(ufragTo(beta)))).toMatchObject({ to: beta })
    expect(rig.uplink(client, dtlsPacket(100))).toMatchObject({ to: alpha })
  })

  test('opens ufrags of every key that is listed', () => {
    const newer = { id: 1, cipher: aesBlockCipher(new Uint8Array(16).fill(1)) }
    const older = { id: 0, cipher: aesBlockCipher(new Uint8Array(16)) }
    const rig = new Rig({ routeKeys: new RouteKeyRing([newer, older], 1) })
    const ring = new RouteKeyRing([newer], 1)
    expect(rig.uplink(client, bindingRequest(ufragTo(alpha, ring)))).toMatchObject({ to: alpha })
    expect(rig.uplink(client, bindingRequest(ufragTo(alpha)))).toMatchObject({ to: alpha })
  })

  test('lets a ufrag expire as the wall clock goes on', () => {
    const rig = new Rig()
    const check = bindingRequest(ufragTo(alpha))
    rig.relay.handleTimeout(epochSecondsOf(EPOCH + 60 * 60), rig.now)
    expect(rig.uplink(client, check)).toMatchObject({ to: alpha })
    rig.relay.handleTimeout(epochSecondsOf(EPOCH + 61 * 60), rig.now)
    expect(rig.uplink(client, check)).toBe('ufrag-expired')
  })
})

describe('drops', () => {
  const ufrag = ufragTo(alpha)
  const check = bindingRequest(ufrag)
  const ofClient: Record<UplinkReason, () => [packet: Uint8Array, from?: Client]> = {
    oversize: () => [dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES + 1)],
    'portless-source': () => [check, { ...client, port: 0 }],
    'unknown-class': () => [new Uint8Array(0)],
    'stun-truncated': () => [check.slice(0, 19)],
    'stun-cookie': () => [changed(check, 4, 0)],
    'stun-length': () => [check.slice(0, check.length - 4)],
    'stun-attribute': () => [changed(check, 22, 0xff)],
    'stun-integrity': () => [
      encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [{ type: 8, value: utf8('abcd') }], {}),
    ],
    'stun-fingerprint': () => [
      encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [{ type: 0x8028, value: utf8('abcdefgh') }], {}),
    ],
    'no-ufrag': () => [encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [username(ufrag)], {})],
    'ufrag-length': () => [bindingRequest('short')],
    'ufrag-alphabet': () => [bindingRequest(`-${ufrag.slice(1)}`)],
    'ufrag-not-ours': () => [bindingRequest(`8${ufrag.slice(1)}`)],
    'ufrag-unknown-key': () => [bindingRequest(`E${ufrag.slice(1)}`)],
    'ufrag-forged': () => [bindingRequest(`AAAA${ufrag.slice(4)}`)],
    'ufrag-expired': () => [check],
    'unknown-upstream': () => [bindingRequest(ufragTo({ cluster: 1, transceiver: 3 }))],
    'session-budget': () => [check],
    'unknown-flow': () => [rtpPacket(160)],
  }

  test.each(Object.keys(ofClient) as UplinkReason[])('a packet of a client: %s', (reason) => {
    const rig = new Rig()
    if (reason === 'ufrag-expired') rig.relay.handleTimeout(epochSecondsOf(EPOCH + 86_400), rig.now)
    if (reason === 'session-budget') rig.flood(attacker, check, SESSION_BURST)
    const [packet, from = client] = ofClient[reason]()
    expect(rig.uplink(from, packet)).toBe(reason)
    expect(rig.dropped()).toEqual({ [reason]: 1 })
  })

  const ping = new Uint8Array(20)
  writeLinkProbe(ping, 0, LINK_TYPE_PING, COOKIE, new Uint8Array(8))
  const good = linkDatagram(COOKIE, frame(client, FRAME_FLAG_BIND, rtpPacket(20)))
  const ofLink: Record<(typeof LINK_DROP_REASONS)[number], [datagram: Uint8Array, sender?: Endpoint]> = {
    stranger: [good, { ...alpha.link, port: 7482 }],
    'link-truncated': [good.slice(0, LINK_HEADER_BYTES - 1)],
    'link-magic': [changed(good, 0, 0x10)],
    'link-version': [changed(good, 1, 0xf0)],
    'link-type': [changed(ping, 1, 3)],
    'link-probe': [concatBytes(ping, new Uint8Array(1))],
    'wrong-cookie': [changed(good, 11, 0xff)],
    'stray-pong': [changed(ping, 1, LINK_TYPE_PONG)],
  }

  test.each(LINK_DROP_REASONS)('a link datagram, with all its frames: %s', (reason) => {
    const rig = new Rig()
    const [datagram, sender = alpha.link] = ofLink[reason]
    expect(rig.downlink(sender, datagram)).toEqual({ reason, sent: [] })
    expect(rig.dropped()).toEqual({ [reason]: 1 })
    expect(rig.relay.flows).toBe(0)
  })

  const mapped = concatBytes(
    new Uint8Array([0, 0, 0x01, 0, 0, 9]),
    new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]),
  )
  const ofFrame: Record<(typeof FRAME_DROP_REASONS)[number], Uint8Array> = {
    'link-frame': linkDatagram(COOKIE, frame(client, 0, rtpPacket(9))).slice(0, -1),
    'link-address': concatBytes(linkDatagram(COOKIE), mapped),
    'unknown-listener': linkDatagram(
      COOKIE,
      frame({ ...client, listener: 2 }, FRAME_FLAG_BIND, rtpPacket(9)),
    ),
    'portless-client': linkDatagram(COOKIE, frame({ ...client, port: 0 }, FRAME_FLAG_BIND, rtpPacket(9))),
  }

  test.each(FRAME_DROP_REASONS)('a frame, and not the good one before it: %s', (reason) => {
    const rig = new Rig()
    const before = linkDatagram(COOKIE, frame(client, 0, rtpPacket(20)))
    const datagram = concatBytes(before, ofFrame[reason].slice(LINK_HEADER_BYTES))
    expect(rig.downlink(alpha.link, datagram)).toEqual({ sent: [{ client, payload: rtpPacket(20) }] })
    expect(rig.dropped()).toEqual({ [reason]: 1 })
    expect(rig.relay.flows).toBe(0)
  })

  test('a frame for a client on TCP, which no client port speaks', () => {
    const rig = new Rig()
    rig.downlink(
      alpha.link,
      linkDatagram(COOKIE, frame({ ...client, transport: 'tcp' }, FRAME_FLAG_BIND, rtpPacket(9))),
    )
    expect(rig.dropped()).toEqual({ 'unknown-listener': 1 })
  })
})

describe('downlink', () => {
  test('hands out the packets of one datagram in order, with their clients', () => {
    const rig = new Rig()
    const frames = [
      frame(client, 0, rtpPacket(20)),
      frame(attacker, 0, dtlsPacket(1452)),
      frame(client, 0, rtpPacket(30)),
    ]
    const sent = frames.map(({ client: to, payload }) => ({ client: to, payload }))
    expect(rig.downlink(alpha.link, linkDatagram(COOKIE, ...frames))).toEqual({ sent })
    expect(rig.relay.counters[DOWNLINK_FORWARDED]).toBe(3)
    expect(rig.relay.counters[DOWNLINK_BYTES]).toBe(20 + 1452 + 30)
  })

  test('needs no flow, so a relay that has just restarted serves at once', () => {
    const rig = new Rig()
    expect(rig.downlink(beta.link, linkDatagram(COOKIE, frame(client, 0, rtpPacket(20)))).sent).toHaveLength(
      1,
    )
    expect(rig.relay.flows).toBe(0)
  })

  test('obeys a frame without a payload and sends nothing', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    expect(rig.relay.flows).toBe(1)
    expect(rig.relay.counters[FRAMES_SILENT]).toBe(1)
  })

  test('has no frames once a datagram is dropped or used up', () => {
    const rig = new Rig()
    const datagram = linkDatagram(COOKIE, frame(client, 0, rtpPacket(20)))
    rig.downlink(alpha.link, datagram)
    expect(rig.relay.nextFrame()).toBe(false)
    rig.downlink(alpha.link, concatBytes(datagram, new Uint8Array(1)))
    expect(rig.relay.nextFrame()).toBe(false)
    expect(rig.dropped()).toEqual({ 'link-frame': 1 })
  })
})

describe('flows', () => {
  test('are entered by a BIND and removed by an UNBIND of the same transceiver', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    rig.downlink(beta.link, linkDatagram(COOKIE, frame(client, FRAME_FLAG_UNBIND, new Uint8Array(0))))
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    rig.downlink(alpha.link, linkDatagram(COOKIE, frame(client, FRAME_FLAG_UNBIND, rtpPacket(20))))
    expect(rig.uplink(client, rtpPacket(160))).toBe('unknown-flow')
  })

  test('are removed, not entered, by a frame that says both', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    const both = frame(client, FRAME_FLAG_BIND | FRAME_FLAG_UNBIND, new Uint8Array(0))
    rig.downlink(alpha.link, linkDatagram(COOKIE, both))
    expect(rig.relay.flows).toBe(0)
  })

  test('are not disturbed by a replay of the client’s check from another address', () => {
    const rig = new Rig()
    const check = bindingRequest(ufragTo(alpha))
    rig.bind(alpha, client)
    expect(rig.uplink(attacker, check)).toMatchObject({ to: alpha, client: attacker })
    expect(rig.relay.flows).toBe(1)
    expect(rig.uplink(attacker, rtpPacket(160))).toBe('unknown-flow')
    rig.bind(alpha, attacker)
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha, client })
  })

  test('are not taken over by the session of somebody who spoofs the client’s address', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    expect(rig.uplink(client, bindingRequest(ufragTo(beta)))).toMatchObject({ to: beta })
    rig.bind(beta, client)
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    expect(rig.relay.counters[FLOWS_HELD]).toBe(1)
    rig.elapse(FLOW_HOLD + 1_000)
    rig.bind(beta, client)
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: beta })
  })

  test('live on with any frame of their transceiver, and not with what the client sends', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    rig.bind(alpha, attacker)
    for (let elapsed = 0; elapsed <= FLOW_IDLE_TIMEOUT; elapsed += 10_000) {
      rig.elapse(10_000)
      rig.uplink(attacker, rtpPacket(160))
      rig.downlink(alpha.link, linkDatagram(COOKIE, frame(client, 0, rtpPacket(20))))
    }
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    expect(rig.uplink(attacker, rtpPacket(160))).toBe('unknown-flow')
    expect(rig.relay.counters[FLOWS_EXPIRED]).toBe(1)
  })

  test('that are established stay when the table is full, and the answer still reaches the client', () => {
    const rig = new Rig({ maxFlows: 1 })
    rig.bind(alpha, client)
    const answer = linkDatagram(COOKIE, frame(attacker, FRAME_FLAG_BIND, bindingResponse()))
    expect(rig.downlink(alpha.link, answer)).toEqual({
      sent: [{ client: attacker, payload: bindingResponse() }],
    })
    expect(rig.relay.counters[FLOWS_REFUSED]).toBe(1)
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    expect(rig.uplink(attacker, rtpPacket(160))).toBe('unknown-flow')
  })

  test('outlive the listing of their transceiver, checks and answers included, until it is silent', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    rig.relay.handleUpstreams([beta], rig.now)
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    expect(rig.uplink(client, bindingRequest(ufragTo(alpha)))).toMatchObject({ to: alpha })
    expect(rig.downlink(alpha.link, linkDatagram(COOKIE, frame(client, 0, rtpPacket(20)))).sent).toHaveLength(
      1,
    )
    rig.elapse(FLOW_IDLE_TIMEOUT + 1_000)
    rig.relay.handleUpstreams([beta], rig.now)
    expect(rig.uplink(client, bindingRequest(ufragTo(alpha)))).toBe('unknown-upstream')
    expect(rig.downlink(alpha.link, linkDatagram(COOKIE, frame(client, 0, rtpPacket(20))))).toMatchObject({
      reason: 'stranger',
    })
  })

  test('are expired a bounded number at a time, the rest at once after', () => {
    const rig = new Rig({ maxFlows: 1_500 })
    for (let port = 1; port <= 1_500; port++) rig.bind(alpha, { ...client, port })
    rig.now = millisOf(rig.now + FLOW_IDLE_TIMEOUT + 1)
    rig.relay.handleTimeout(EPOCH, rig.now)
    expect(rig.relay.flows).toBe(1_500 - 1_024)
    expect(rig.relay.pollTimeout()).toBe(rig.now)
    rig.relay.handleTimeout(EPOCH, rig.now)
    expect(rig.relay.flows).toBe(0)
    expect(rig.relay.pollTimeout()).toBeGreaterThan(rig.now)
  })
})

describe('a flood of checks', () => {
  const check = bindingRequest(ufragTo(alpha))
  const forged = bindingRequest('A'.repeat(22))

  test('from one network uses up what is looked into of it, and takes nothing from those who have a flow', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    rig.flood(neighbour, forged, SOURCE_BURST + 10)
    expect(rig.uplink(neighbour, check)).toBe('source-budget')
    expect(rig.uplink(client, check)).toMatchObject({ to: alpha })
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    expect(rig.uplink(attacker, check)).toMatchObject({ to: alpha })
    expect(rig.dropped()).toEqual({ 'ufrag-forged': SOURCE_BURST, 'source-budget': 11 })
    rig.elapse(1_000)
    expect(rig.uplink(neighbour, check)).toMatchObject({ to: alpha })
  })

  test('for one session, from everywhere, uses up what the session is sent of unknown clients', () => {
    const rig = new Rig()
    rig.bind(alpha, client)
    for (let i = 0; i < SESSION_BURST; i++) rig.uplink({ ...client, address: `10.${i}.0.1` }, check)
    expect(rig.uplink(attacker, check)).toBe('session-budget')
    expect(rig.uplink(client, check)).toMatchObject({ to: alpha })
    expect(rig.uplink(attacker, bindingRequest(ufragTo(beta)))).toMatchObject({ to: beta })
    rig.elapse(1_000)
    rig.flood(attacker, check, SESSION_RATE)
    expect(rig.dropped()).toEqual({ 'session-budget': 1 })
    expect(rig.uplink(attacker, check)).toBe('session-budget')
  })
})

describe('pings', () => {
  const token = Uint8Array.from([9, 9, 9, 9, 9, 9, 9, 9])
  const probe = (type: typeof LINK_TYPE_PING | typeof LINK_TYPE_PONG, cookie: Uint8Array, of = token) => {
    const datagram = new Uint8Array(LINK_PROBE_BYTES)
    writeLinkProbe(datagram, 0, type, cookie, of)
    return datagram
  }
  const open = (rig: Rig, sender: Endpoint, datagram: Uint8Array) =>
    rig.relay.openLinkDatagram(datagram, 0, datagram.length, clientWords(sender), 0, rig.now)

  test('of an upstream are answered with this cookie, whatever cookie the upstream knows', () => {
    const rig = new Rig()
    const ping = probe(LINK_TYPE_PING, new Uint8Array(8))
    expect(open(rig, alpha.link, ping)).toBeGreaterThanOrEqual(0)
    expect(rig.relay.hasPong).toBe(true)
    expect(rig.relay.nextFrame()).toBe(false)
    expect(ping).toEqual(probe(LINK_TYPE_PONG, COOKIE))
    open(rig, alpha.link, linkDatagram(COOKIE, frame(client, 0, rtpPacket(20))))
    expect(rig.relay.hasPong).toBe(false)
  })

  test('of anybody else are not answered', () => {
    const rig = new Rig()
    const ping = probe(LINK_TYPE_PING, COOKIE)
    expect(open(rig, { ...alpha.link, port: 1 }, ping)).toBeLessThan(0)
    expect(rig.relay.hasPong).toBe(false)
  })

  test('go to the upstreams that flows lead to, and find out when one of them dies', () => {
    const health = new LinkHealth((length) => new Uint8Array(length).fill(++tokens))
    let tokens = 0
    const rig = new Rig({ health })
    rig.bind(alpha, client)
    rig.elapse(0)
    const ping = new Uint8Array(LINK_PROBE_BYTES)
    const index = rig.relay.nextPing(ping, 0)
    expect(ping).toEqual(probe(LINK_TYPE_PING, COOKIE, new Uint8Array(8).fill(1)))
    expect(rig.relay.nextPing(ping, 0)).toBe(-1)
    expect(open(rig, alpha.link, changed(ping, 1, LINK_TYPE_PONG))).toBe(index)
    expect([health.watched, health.isLost(index)]).toEqual([1, false])
    for (let i = 0; i < 5; i++) rig.elapse(rig.relay.pollTimeout() - rig.now)
    expect(health.isLost(index)).toBe(true)
    expect(rig.relay.counters[UPSTREAMS_LOST]).toBe(1)
    rig.downlink(alpha.link, linkDatagram(COOKIE, frame(client, FRAME_FLAG_UNBIND, new Uint8Array(0))))
    rig.elapse(100)
    expect([health.watched, health.isLost(index)]).toEqual([0, false])
  })
})

describe('clients on TCP', () => {
  const onTcp: Client = { ...client, listener: 2, transport: 'tcp' }

  test('are routed like any other, and never mistaken for the same endpoint on UDP', () => {
    const rig = new Rig({ tcpListeners: 1 })
    const check = bindingRequest(ufragTo(alpha))
    expect(rig.uplink(onTcp, check)).toEqual({ to: alpha, client: onTcp, payload: check })
    rig.bind(alpha, onTcp)
    expect(rig.uplink(onTcp, rtpPacket(160))).toMatchObject({ to: alpha, client: onTcp })
    for (const other of [
      { ...onTcp, transport: 'udp' as const },
      { ...onTcp, listener: 1 },
    ]) {
      expect(rig.uplink(other, rtpPacket(160))).toBe('unknown-flow')
    }
    expect(rig.downlink(alpha.link, linkDatagram(COOKIE, frame(onTcp, 0, rtpPacket(20))))).toEqual({
      sent: [{ client: onTcp, payload: rtpPacket(20) }],
    })
  })

  test('have listeners of their own, behind those of UDP', () => {
    const rig = new Rig({ tcpListeners: 2 })
    const named: [number, Client['transport']][] = [
      [0, 'udp'],
      [1, 'udp'],
      [2, 'tcp'],
      [3, 'tcp'],
    ]
    const wrong: typeof named = [
      [0, 'tcp'],
      [1, 'tcp'],
      [2, 'udp'],
      [3, 'udp'],
      [4, 'udp'],
      [4, 'tcp'],
      [255, 'tcp'],
    ]
    const frames = [...named, ...wrong].map(([listener, transport]) =>
      frame({ ...client, listener, transport }, FRAME_FLAG_BIND, rtpPacket(20)),
    )
    const { sent } = rig.downlink(alpha.link, linkDatagram(COOKIE, ...frames))
    expect(sent.map(({ client: to }) => [to.listener, to.transport])).toEqual(named)
    expect(rig.dropped()).toEqual({ 'unknown-listener': wrong.length })
    expect(rig.relay.flows).toBe(named.length)
  })

  test('are all that a relay beside the threads serves', () => {
    const rig = new Rig({ tcpListeners: 1, carriesUdp: false })
    const onTcp: Client = { ...client, listener: 2, transport: 'tcp' }
    const frames = [client, onTcp].map((each) => frame(each, FRAME_FLAG_BIND, rtpPacket(20)))
    expect(rig.downlink(alpha.link, linkDatagram(COOKIE, ...frames)).sent).toMatchObject([{ client: onTcp }])
    expect(rig.dropped()).toEqual({ 'unknown-listener': 1 })
  })

  test('lose their flow with their connection, and nobody else does', () => {
    const rig = new Rig({ tcpListeners: 1 })
    rig.bind(alpha, onTcp)
    rig.bind(alpha, client)
    rig.relay.handleClientClosed(clientWords(onTcp), 0)
    rig.relay.handleClientClosed(clientWords(onTcp), 0)
    expect(rig.uplink(onTcp, rtpPacket(160))).toBe('unknown-flow')
    expect(rig.uplink(client, rtpPacket(160))).toMatchObject({ to: alpha })
    expect(rig.relay.counters[FLOWS_CLOSED]).toBe(1)
  })

  test('cannot have more listeners than a frame can name', () => {
    expect(() => new Rig({ tcpListeners: 254 })).not.toThrow()
    expect(() => new Rig({ tcpListeners: 255 })).toThrow(RangeError)
  })
})

describe('whatever comes', () => {
  const endpoint = fc.constantFrom(client, attacker, { ...client, port: 0 })
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(bindingRequest(ufragTo(alpha)), bindingResponse(), dtlsPacket(1_500), rtpPacket(20)),
    damaged(bindingRequest(ufragTo(beta))),
  )
  const someFrame = fc.record({
    client: fc.constantFrom(client, attacker, { ...client, listener: 9 }),
    flags: fc.constantFrom(0, FRAME_FLAG_BIND, FRAME_FLAG_UNBIND),
    payload: fc.uint8Array({ maxLength: 30 }),
  })
  const datagram = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(someFrame, { maxLength: 4 }).map((frames) => linkDatagram(COOKIE, ...frames)),
    damaged(linkDatagram(COOKIE, frame(client, 0, rtpPacket(20)), frame(attacker, 0, rtpPacket(20)))),
  )
  const event = fc.oneof(
    fc.record({ from: endpoint, packet }),
    fc.record({ sender: fc.constantFrom(alpha.link, beta.link, { ...alpha.link, port: 1 }), datagram }),
    fc.record({ elapsed: fc.nat(40_000) }),
  )

  test('what came in is what went out plus what was dropped', () => {
    const balance = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const rig = new Rig()
      let accepted = 0
      for (const happening of events) {
        if ('packet' in happening) rig.uplink(happening.from, happening.packet)
        else if ('datagram' in happening)
          accepted += Number(rig.downlink(happening.sender, happening.datagram).reason === undefined)
        else rig.elapse(happening.elapsed)
      }
      const { counters } = rig.relay
      expect(counters[UPLINK_RECEIVED]).toBe(
        (counters[UPLINK_FORWARDED] ?? 0) + rig.droppedAmong(UPLINK_DROP_REASONS),
      )
      expect(counters[LINK_RECEIVED]).toBe(accepted + rig.droppedAmong(LINK_DROP_REASONS))
      expect(counters[FRAMES_RECEIVED]).toBe(
        (counters[DOWNLINK_FORWARDED] ?? 0) +
          (counters[FRAMES_SILENT] ?? 0) +
          rig.droppedAmong(FRAME_DROP_REASONS),
      )
    })
    fc.assert(balance, { numRuns: 200 })
  })

  test('no client makes a flow', () => {
    const unbound = fc.property(
      fc.array(fc.record({ from: endpoint, packet }), { maxLength: 30 }),
      (events) => {
        const rig = new Rig()
        for (const { from, packet: sent } of events) rig.uplink(from, sent)
        expect(rig.relay.flows).toBe(0)
      },
    )
    fc.assert(unbound)
  })
})

/** No packet with a type out of range is classified as STUN in the first place; `recovering` is an option; `source-budget` takes a flood. */
type UplinkReason = Exclude<
  (typeof UPLINK_DROP_REASONS)[number],
  'stun-type' | 'source-budget' | 'recovering'
>

type Forwarded = { to: Upstream; client: Client; payload: Uint8Array }

/** A relay with two client ports and two upstreams, driven as a shell drives it. */
class Rig {
  now = millisOf(1_000)
  readonly relay: Relay
  readonly #memory = new Uint8Array(2_048)

  constructor({
    maxFlows = 64,
    routeKeys = ROUTE_KEYS,
    tcpListeners = 0,
    ...others
  }: Partial<RelayConfig> = {}) {
    const config = {
      cookie: COOKIE,
      routeKeys,
      listeners: 2,
      tcpListeners,
      maxFlows,
      hashKey: [1, 2],
      ...others,
    } as const
    this.relay = new Relay(config, EPOCH, this.now)
    this.relay.handleUpstreams([alpha, beta], this.now)
  }

  /** Returns the reason of a drop, or what the upstream gets. */
  uplink(from: Client, packet: Uint8Array): Forwarded | DropReason | undefined {
    const words = clientWords(from)
    this.#memory.set(packet.subarray(0, MAX_CLIENT_PAYLOAD_BYTES), MAX_FRAME_HEADER_BYTES)
    const upstream = this.relay.handleClientPacket(
      this.#memory,
      MAX_FRAME_HEADER_BYTES,
      packet.length,
      words,
      0,
    )
    if (upstream < 0) return DROP_REASONS[dropIndex(upstream)]
    const start = MAX_FRAME_HEADER_BYTES - frameHeaderBytes(words, 0)
    const framed = this.#memory.slice(start, MAX_FRAME_HEADER_BYTES + packet.length)
    const [received] = parseLinkDatagram(concatBytes(linkDatagram(COOKIE), framed)).frames
    this.relay.writeLink(upstream, words, 0)
    const to = [alpha, beta].find(({ link }) => link.address === readClient(words, 0).address)
    if (received === undefined || to === undefined) throw new Error('the relay named no upstream')
    return { to, client: received.client as Client, payload: received.payload }
  }

  /** Sends the packet over and over. */
  flood(from: Client, packet: Uint8Array, times: number): void {
    for (let i = 0; i < times; i++) this.uplink(from, packet)
  }

  /** Returns what the clients get, and the reason if the whole datagram was dropped. */
  downlink(sender: Endpoint, datagram: Uint8Array) {
    const opened = this.relay.openLinkDatagram(datagram, 0, datagram.length, clientWords(sender), 0, this.now)
    const sent: { client: Client; payload: Uint8Array }[] = []
    while (this.relay.nextFrame()) {
      const { client: to, payloadStart, payloadLength } = this.relay.frame
      sent.push({
        client: readClient(to, 0),
        payload: datagram.slice(payloadStart, payloadStart + payloadLength),
      })
    }
    return opened < 0 ? { reason: DROP_REASONS[dropIndex(opened)], sent } : { sent }
  }

  bind(upstream: Upstream, to: Client): void {
    this.downlink(upstream.link, linkDatagram(COOKIE, frame(to, FRAME_FLAG_BIND, new Uint8Array(0))))
  }

  elapse(millis: number): void {
    this.now = millisOf(this.now + millis)
    this.relay.handleTimeout(EPOCH, this.now)
  }

  dropped(): Record<string, number> {
    const counts = DROP_REASONS.map((reason, i) => [reason, this.relay.drops[i] ?? 0] as const)
    return Object.fromEntries(counts.filter(([, drops]) => drops > 0))
  }

  droppedAmong(reasons: readonly DropReason[]): number {
    return reasons.reduce((sum, reason) => sum + (this.relay.drops[DROP_REASONS.indexOf(reason)] ?? 0), 0)
  }
}

function frame(to: Client, flags: number, payload: Uint8Array): TestFrame {
  return { client: to, flags, payload }
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? value : byte))
}

/** Any one byte changed, any number of bytes cut off. */
function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length))
    .map(([at, value, length]) => changed(bytes, at, value).slice(0, length))
}
