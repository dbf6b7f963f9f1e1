/**
 * The relay under a list of operations, each compared with the model of docs/relay.md: packets of clients, real and
 * damaged; datagrams of upstreams, of former upstreams and of strangers; BIND and UNBIND; fleets that come and go;
 * answers about flows; connections that close; time.
 */

import { concatBytes, writeU16 } from '#shared/bytes'
import { formatEndpoint, isIpv4Words, readClient } from '#shared/endpoint'
import type { Client } from '#shared/endpoint'
import {
  FRAME_FLAG_BIND,
  FRAME_FLAG_UNBIND,
  frameHeaderBytes,
  LINK_PROBE_BYTES,
  LINK_TYPE_DATA,
  LINK_TYPE_PING,
  LinkReader,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
} from '#shared/link/frame'
import { LinkHealth } from '#shared/link/link-health'
import { encodeStunMessage } from '#shared/stun/message'
import { ATTRIBUTE_FINGERPRINT, ATTRIBUTE_MESSAGE_INTEGRITY, BINDING_REQUEST } from '#shared/stun/registry'
import { epochSecondsOf, millisOf } from '#shared/time'
import { minutesOf } from '#shared/ufrag/route'
import {
  DOWNLINK_BYTES,
  DOWNLINK_FORWARDED,
  FRAMES_RECEIVED,
  FRAMES_SILENT,
  LINK_RECEIVED,
  UPLINK_BYTES,
  UPLINK_FORWARDED,
  UPLINK_RECEIVED,
} from '../../../relay-nodes/core/counters.ts'
import {
  DROP_REASONS,
  dropIndex,
  FRAME_DROP_REASONS,
  LINK_DROP_REASONS,
  UPLINK_DROP_REASONS,
} from '../../../relay-nodes/core/drop-reasons.ts'
import type { DropReason } from '../../../relay-nodes/core/drop-reasons.ts'
import {
  FLOW_ABSENT,
  FLOW_FOUND,
  RECORD_CLIENT,
  RECORD_WORDS,
} from '../../../relay-nodes/core/flow-records.ts'
import { Relay } from '../../../relay-nodes/core/relay.ts'
import { routeWord } from '../../../relay-nodes/core/upstreams.ts'
import type { Upstream } from '../../../relay-nodes/core/upstreams.ts'
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
} from '../../../relay-nodes/test-packets.ts'
import { Random } from '../random.ts'
import { InputReader } from '../reader.ts'
import { RelayModel } from '../relay-model.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'
import { linkVectors } from './link.ts'

export const relay: FuzzTarget = {
  name: 'relay',
  shares: 6,
  maxBytes: 384,
  seeds: () => Array.from({ length: 16 }, (_, seed) => new Random(seed).bytes(300)),
  run(input) {
    const rig = new Rig()
    const reader = new InputReader(input)
    while (reader.hasMore) reader.pick(OPERATIONS)(rig, reader)
    rig.mustBalance()
    rig.mustForgetEverything()
    return `reached-${rig.reached()}`
  },
}

type Operation = (rig: Rig, reader: InputReader) => void

function sendFromClient(rig: Rig, reader: InputReader): void {
  rig.uplink(reader.pick(CLIENTS), damaged(reader.pick(PACKETS), reader))
}

function sendOnLink(rig: Rig, reader: InputReader): void {
  const sender = reader.pick(SENDERS)
  const cookie = reader.byte() % 8 === 0 ? WRONG_COOKIE : COOKIE
  const frames = Array.from({ length: reader.byte() % 5 }, () => ({
    client: reader.pick(CLIENTS),
    flags: reader.pick([0, FRAME_FLAG_BIND, FRAME_FLAG_BIND, FRAME_FLAG_UNBIND, 0xfc]),
    payload: reader.byte() % 3 === 0 ? NOTHING : reader.pick(PACKETS),
  }))
  rig.downlink(sender, damaged(linkDatagram(cookie, ...frames), reader))
}

/** The datagrams that docs/link.md freezes, good and bad, with this relay's cookie. */
function sendVector(rig: Rig, reader: InputReader): void {
  const datagram = reader.pick(LINK_VECTORS).slice()
  if (datagram.length >= 12) datagram.set(COOKIE, 4)
  rig.downlink(reader.pick(SENDERS), damaged(datagram, reader))
}

function ping(rig: Rig, reader: InputReader): void {
  const type = reader.pick([LINK_TYPE_PING, LINK_TYPE_PING + 1])
  const probe = concatBytes(
    Uint8Array.of(0x0f, type, 0, 0),
    reader.pick([COOKIE, WRONG_COOKIE]),
    rig.lastToken,
  )
  rig.downlink(reader.pick(SENDERS), damaged(probe, reader))
}

function changeFleet(rig: Rig, reader: InputReader): void {
  const chosen = reader.byte()
  rig.update(UPSTREAMS.filter((_, i) => (chosen & (1 << i)) !== 0))
}

function letTimePass(rig: Rig, reader: InputReader): void {
  rig.elapse(reader.word() * reader.pick([0, 1, 3, 61]))
}

function closeConnection(rig: Rig, reader: InputReader): void {
  rig.close(reader.pick(CLIENTS))
}

function answerFlows(rig: Rig, reader: InputReader): void {
  rig.answerFlows(() => ({ isFound: reader.byte() % 3 > 0, upstream: reader.pick(UPSTREAMS) }))
}

/** A relay and its model, driven as a shell drives a relay. */
class Rig {
  lastToken: Uint8Array = new Uint8Array(8)
  #now = millisOf(1_000)
  #epoch = EPOCH
  #accepted = 0
  #sentUp = 0
  #sentDown = 0
  #tokens = 0
  readonly #model = new RelayModel(MAX_FLOWS, ROUTE_KEYS)
  readonly #relay: Relay

  constructor() {
    const health = new LinkHealth((length) => new Uint8Array(length).fill(++this.#tokens))
    const config = { cookie: COOKIE, routeKeys: ROUTE_KEYS, maxFlows: MAX_FLOWS, hashKey: [1, 2] } as const
    this.#relay = new Relay(
      { ...config, listeners: 2, tcpListeners: 1, recovers: true, health },
      EPOCH,
      this.#now,
    )
    this.update(UPSTREAMS.slice(0, 2))
  }

  uplink(client: Client, packet: Uint8Array): void {
    const words = clientWords(client)
    const memory = new Uint8Array(HEADROOM + packet.length + HEADROOM).fill(0xaa)
    memory.set(packet, HEADROOM)
    const verdict = this.#relay.handleClientPacket(memory, HEADROOM, packet.length, words, 0)
    const expected = this.#model.linkFor(packet, words, minutesOf(this.#epoch))
    mustEqual(
      verdict < 0 ? undefined : this.#linkOf(verdict),
      expected,
      `${reasonOf(verdict)} of a client's packet`,
    )
    const framed = concatBytes(
      new Uint8Array(HEADROOM).fill(0xaa),
      packet,
      new Uint8Array(HEADROOM).fill(0xaa),
    )
    if (verdict >= 0) {
      const header = frameHeaderBytes(words, 0)
      writeFrameHeader(framed, HEADROOM - header, words, 0, 0, packet.length)
      this.#sentUp += packet.length
    }
    mustEqual(memory, framed, 'memory other than the frame header is written to')
  }

  downlink(sender: Client, datagram: Uint8Array): void {
    const before = datagram.slice()
    const frames = this.#expectedFrames(sender, datagram)
    const opened = this.#relay.openLinkDatagram(
      datagram,
      0,
      datagram.length,
      clientWords(sender),
      0,
      this.#now,
    )
    if (opened >= 0) this.#accepted++
    mustHold(opened < 0 || this.#linkOf(opened) === formatEndpoint(sender), 'a datagram of somebody else')
    const sent: unknown[] = []
    while (this.#relay.nextFrame()) {
      const { client, payloadStart, payloadLength } = this.#relay.frame
      sent.push({
        client: client.join(),
        payload: datagram.slice(payloadStart, payloadStart + payloadLength),
      })
      this.#sentDown += payloadLength
      mustHold(sent.length <= datagram.length / 10, 'more packets than fit')
    }
    mustEqual(sent, frames, `${reasonOf(opened)} of a datagram of the link`)
    if (!this.#relay.hasPong) mustEqual(datagram, before, 'a datagram is written to')
    else mustHold(datagram.length === LINK_PROBE_BYTES && this.#model.knows(sender), 'a pong for whom?')
    mustHold(this.#relay.flows === this.#model.flows.size, 'another number of flows')
  }

  update(upstreams: readonly Upstream[]): void {
    this.#model.update(upstreams)
    mustHold(this.#relay.handleUpstreams(upstreams, this.#now) === 0, 'no room for a handful of upstreams')
    mustHold(this.#relay.upstreams === this.#model.upstreams, 'another number of upstreams')
  }

  elapse(millis: number): void {
    this.#now = millisOf(this.#now + millis)
    this.#epoch = epochSecondsOf(this.#epoch + Math.floor(millis / 1_000))
    this.#relay.handleTimeout(this.#epoch, this.#now)
    this.#model.expire(this.#now)
    mustHold(this.#relay.pollTimeout() > this.#now, 'a timeout is due at once')
    const probe = new Uint8Array(LINK_PROBE_BYTES)
    for (let pings = 0; this.#relay.nextPing(probe, 0) >= 0; pings++) {
      mustHold(pings < UPSTREAMS.length, 'more pings than upstreams')
      this.lastToken = probe.slice(12)
    }
    mustHold(this.#relay.flows === this.#model.flows.size, 'another number of flows')
  }

  close(client: Client): void {
    this.#relay.handleClientClosed(clientWords(client), 0)
    this.#model.close(clientWords(client))
  }

  answerFlows(answer: () => { isFound: boolean; upstream: Upstream }): void {
    const records = this.#relay.takeFlowRecords()
    mustHold(!this.#relay.hasFlowRecords, 'records are left')
    for (let at = 0; at < records.length; at += RECORD_WORDS) {
      const { isFound, upstream } = answer()
      const words = records.slice(at + RECORD_CLIENT, at + RECORD_CLIENT + 5)
      mustHold(readClient(words, 0).transport === 'udp', 'a flow on TCP is asked about')
      records[at] = isFound ? FLOW_FOUND : FLOW_ABSENT
      records[at + RECORD_WORDS - 1] = routeWord(upstream.cluster, upstream.transceiver)
      if (isFound) this.#model.restore(words, upstream, this.#now)
    }
    this.#relay.handleFlowRecords(records, this.#now)
    mustHold(this.#relay.flows === this.#model.flows.size, 'another number of flows')
  }

  /** What came in is what went out plus what was dropped, and nothing came from nowhere. */
  mustBalance(): void {
    const count = (index: number) => this.#relay.counters[index] ?? 0
    const dropped = (reasons: readonly DropReason[]) =>
      reasons.reduce((sum, reason) => sum + (this.#relay.drops[DROP_REASONS.indexOf(reason)] ?? 0), 0)
    const frames = count(DOWNLINK_FORWARDED) + count(FRAMES_SILENT) + dropped(FRAME_DROP_REASONS)
    mustEqual(
      count(UPLINK_RECEIVED),
      count(UPLINK_FORWARDED) + dropped(UPLINK_DROP_REASONS),
      'client packets',
    )
    mustEqual(count(LINK_RECEIVED), this.#accepted + dropped(LINK_DROP_REASONS), 'link datagrams')
    mustEqual(count(FRAMES_RECEIVED), frames, 'frames')
    mustEqual([count(UPLINK_BYTES), count(DOWNLINK_BYTES)], [this.#sentUp, this.#sentDown], 'bytes')
  }

  /** A minute of silence, and nothing is left of any client. */
  mustForgetEverything(): void {
    this.elapse(62_000)
    mustHold(this.#relay.flows === 0, 'a flow outlives its silence')
    this.update([])
    mustHold(this.#relay.upstreams === 0, 'an upstream without flows stays')
  }

  /** How many different things have happened. */
  reached(): number {
    return [...this.#relay.counters, ...this.#relay.drops].filter((times) => times > 0).length
  }

  #linkOf(upstream: number): string {
    const words = new Int32Array(5)
    this.#relay.writeLink(upstream, words, 0)
    return formatEndpoint(readClient(words, 0))
  }

  /** Reads a datagram as docs/relay.md says, and lets the model obey its frames; returns what clients are sent. */
  #expectedFrames(sender: Client, datagram: Uint8Array): unknown[] {
    const reader = new LinkReader()
    const isOpen = this.#model.knows(sender) && reader.open(datagram, 0, datagram.length) === undefined
    if (!isOpen || reader.type !== LINK_TYPE_DATA || !reader.hasCookie(COOKIE)) return []
    const sent: unknown[] = []
    while (reader.next()) {
      const { client, flags, payloadStart, payloadLength } = reader
      const { port, listener, transport } = readClient(client, 0)
      if (port === 0 || (transport === 'udp' ? listener > 1 : listener !== 2)) continue
      if ((flags & FRAME_FLAG_UNBIND) !== 0) this.#model.unbind(client, sender)
      else if ((flags & FRAME_FLAG_BIND) !== 0) this.#model.bind(client, sender, this.#now)
      else this.#model.refresh(client, sender, this.#now)
      const payload = datagram.slice(payloadStart, payloadStart + payloadLength)
      if (payloadLength > 0) sent.push({ client: client.join(), payload })
    }
    return sent
  }
}

/** Changes up to two bytes or words, and perhaps the length. */
function damaged(packet: Uint8Array, reader: InputReader): Uint8Array {
  const damage = reader.byte()
  if (damage > 0x60) return packet.slice()
  const copy = packet.slice(0, damage % 7 === 0 ? reader.word() % (packet.length + 1) : packet.length)
  for (let i = damage % 3; i > 0 && copy.length > 1; i--) {
    const at = reader.word() % copy.length
    if (damage % 2 === 0) copy[at] = reader.byte()
    else writeU16(copy, Math.min(at, copy.length - 2), reader.word())
  }
  return copy
}

function withShortAttribute(type: number): Uint8Array {
  return encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [{ type, value: new Uint8Array(8) }], {})
}

function reasonOf(verdict: number): string {
  return verdict < 0 ? (DROP_REASONS[dropIndex(verdict)] ?? 'an unknown reason') : 'forwarding'
}

function sender(address: string, port: number): Client {
  return { address, port, listener: 0, transport: 'udp' }
}

const OPERATIONS: readonly Operation[] = [
  sendFromClient,
  sendFromClient,
  sendFromClient,
  sendOnLink,
  sendOnLink,
  sendOnLink,
  sendVector,
  ping,
  changeFleet,
  letTimePass,
  closeConnection,
  answerFlows,
]

const COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const WRONG_COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 9)
const NOTHING = new Uint8Array(0)
const LINK_VECTORS = linkVectors()
const MAX_FLOWS = 4
const HEADROOM = MAX_FRAME_HEADER_BYTES + 2

const UPSTREAMS: readonly Upstream[] = [
  { cluster: 1, transceiver: 1, link: { address: '10.0.0.1', port: 7481 } },
  { cluster: 1, transceiver: 2, link: { address: '2001:db8::2', port: 7481 } },
  // The first one at another endpoint, another at the endpoint of the second, and one of the largest ids.
  { cluster: 1, transceiver: 1, link: { address: '10.0.0.3', port: 7481 } },
  { cluster: 1, transceiver: 4, link: { address: '2001:db8::2', port: 7481 } },
  { cluster: 4_095, transceiver: 1_048_575, link: { address: '10.0.0.5', port: 65_535 } },
]

const SENDERS = [...UPSTREAMS.map(({ link }) => sender(link.address, link.port)), sender('10.0.0.1', 7482)]

const CLIENTS: readonly Client[] = [
  { address: '192.0.2.1', port: 50_000, listener: 0, transport: 'udp' },
  { address: '192.0.2.1', port: 50_000, listener: 1, transport: 'udp' },
  { address: '192.0.2.1', port: 50_000, listener: 2, transport: 'tcp' },
  { address: '2001:db8::1', port: 65_535, listener: 0, transport: 'udp' },
  { address: '255.255.255.255', port: 1, listener: 0, transport: 'udp' },
  { address: '198.51.100.1', port: 0, listener: 0, transport: 'udp' },
  { address: '198.51.100.1', port: 9, listener: 2, transport: 'udp' },
  { address: '198.51.100.1', port: 9, listener: 0, transport: 'tcp' },
  { address: '198.51.100.2', port: 9, listener: 255, transport: 'tcp' },
]

const UFRAG_REST = 'A'.repeat(21)

const PACKETS: readonly Uint8Array[] = [
  ...UPSTREAMS.map((upstream) => bindingRequest(ufragTo(upstream))),
  bindingRequest(ufragTo({ cluster: 0, transceiver: 0 })),
  // Of another length, somebody else's, under an unknown key, and forged.
  ...['short', `8${UFRAG_REST}`, `E${UFRAG_REST}`, `A${UFRAG_REST}`].map((ufrag) => bindingRequest(ufrag)),
  ...[ATTRIBUTE_MESSAGE_INTEGRITY, ATTRIBUTE_FINGERPRINT].map(withShortAttribute),
  bindingResponse(),
  dtlsPacket(1_452),
  dtlsPacket(1_453),
  rtpPacket(160),
  rtpPacket(1),
]

mustHold(!isIpv4Words(clientWords(SENDERS[1] as Client), 0), 'a link over IPv6 among them')
