/**
 * Says what a relay would do with a packet, and why: docs/relay.md, "Explaining a packet".
 *
 * A relay of the real kind is set up with what is given, and handed the packet; nothing is decided here.
 */

import { formatEndpoint, readClient, writeClient, ENDPOINT_WORDS } from '#shared/endpoint'
import type { Client, Endpoint } from '#shared/endpoint'
import {
  FRAME_FLAG_BIND,
  FRAME_FLAG_UNBIND,
  LINK_COOKIE_BYTES,
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  LinkReader,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
  writeLinkHeader,
} from '#shared/link/frame'
import { classifyPacket } from '#shared/packet/classify'
import { aesBlockCipher, randomBytes } from '#shared/platform/crypto'
import { millisOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'
import { minutesOf, RouteKeyRing } from '#shared/ufrag/route'
import { DROP_REASONS, dropIndex } from '../../relay-nodes/core/drop-reasons.ts'
import { Relay } from '../../relay-nodes/core/relay.ts'
import type { Upstream } from '../../relay-nodes/core/upstreams.ts'
import { describePacket, line } from './describe-packet.ts'
import { describeDrop } from './reasons.ts'

/** The relay that is asked, and how much may be said. */
export interface ExplainContext {
  readonly routeKeys?: RouteKeyRing | undefined
  /** The allow-table. */
  readonly upstreams: readonly Upstream[]
  /** The client ports: how many on UDP, and how many on TCP behind them. */
  readonly listeners: number
  readonly tcpListeners: number
  readonly showsValues: boolean
  readonly now: EpochSeconds
}

/** Explains a packet that `from` sends; with `boundTo`, this upstream has bound that client before. */
export function explainClientPacket(
  packet: Uint8Array,
  from: Client,
  context: ExplainContext,
  boundTo?: Upstream,
): string[] {
  const relay = relayOf(context, randomBytes(LINK_COOKIE_BYTES), from, boundTo)
  const memory = new Uint8Array(MAX_FRAME_HEADER_BYTES + packet.length)
  memory.set(packet, MAX_FRAME_HEADER_BYTES)
  const verdict = relay.handleClientPacket(memory, MAX_FRAME_HEADER_BYTES, packet.length, wordsOf(from), 0)
  const options = { ...context, nowMinutes: minutesOf(context.now) }
  return [
    line('packet', `${packet.length} bytes from ${nameOf(from)}`),
    ...describePacket(packet, options),
    line('verdict', verdict < 0 ? dropped(verdict) : `forwarded to ${upstreamOf(relay, verdict, context)}`),
  ]
}

/** Explains a link datagram that `from` sends; without `cookie`, the one that it carries is taken for the relay's. */
export function explainLinkDatagram(
  datagram: Uint8Array,
  from: Endpoint,
  context: ExplainContext,
  cookie?: Uint8Array,
): string[] {
  const frames = describeFrames(datagram, context)
  const carried = datagram.slice(LINK_HEADER_BYTES - LINK_COOKIE_BYTES, LINK_HEADER_BYTES)
  const relay = relayOf(context, cookie ?? carried)
  const words = wordsOf({ ...from, listener: 0, transport: 'udp' })
  const memory = datagram.slice()
  const opened = relay.openLinkDatagram(memory, 0, memory.length, words, 0, START)
  let packets = 0
  while (relay.nextFrame()) packets++
  return [
    line('datagram', `${datagram.length} bytes on the link from ${formatEndpoint(from)}`),
    ...frames,
    line('verdict', opened < 0 ? dropped(opened) : `accepted from ${upstreamOf(relay, opened, context)}`),
    ...(opened < 0 ? [] : describeEffect(relay, packets)),
  ]
}

/** What an accepted datagram did to a relay that was empty before. */
function describeEffect(relay: Relay, packets: number): string[] {
  if (relay.hasPong) return [line('effect', 'the pong is sent back')]
  const drops = DROP_REASONS.filter((_, i) => (relay.drops[i] ?? 0) > 0)
  return [
    line('effect', `${packets} packets for clients, ${relay.flows} flows bound`),
    ...drops.map((reason) => line('drop', `${reason}: ${describeDrop(reason)}`)),
  ]
}

function describeFrames(datagram: Uint8Array, { showsValues }: ExplainContext): string[] {
  const reader = new LinkReader()
  const fault = reader.open(datagram, 0, datagram.length)
  if (fault !== undefined) return [line('form', fault)]
  const lines = [line('type', reader.type === LINK_TYPE_DATA ? 'data' : 'ping or pong')]
  while (reader.next()) {
    const { client, flags, payloadStart, payloadLength } = reader
    const { listener, transport, ...endpoint } = readClient(client, 0)
    const who = showsValues ? formatEndpoint(endpoint) : 'a client'
    const word =
      (flags & FRAME_FLAG_BIND) !== 0 ? ', BIND' : (flags & FRAME_FLAG_UNBIND) !== 0 ? ', UNBIND' : ''
    const payload = payloadLength === 0 ? '' : `, ${classifyPacket(datagram, payloadStart, payloadLength)}`
    lines.push(
      line('frame', `${who} on ${transport}, listener ${listener}${word}: ${payloadLength} bytes${payload}`),
    )
  }
  return reader.fault === undefined ? lines : [...lines, line('form', reader.fault)]
}

function relayOf(context: ExplainContext, cookie: Uint8Array, client?: Client, boundTo?: Upstream): Relay {
  const { routeKeys = KEYLESS, upstreams, listeners, tcpListeners, now } = context
  const config = { cookie, routeKeys, listeners, tcpListeners, maxFlows: MAX_FLOWS }
  const relay = new Relay({ ...config, hashKey: [0, 0] }, now, START)
  relay.handleUpstreams(boundTo === undefined ? upstreams : [...upstreams, boundTo], START)
  if (client === undefined || boundTo === undefined) return relay
  const bind = new Uint8Array(LINK_HEADER_BYTES + MAX_FRAME_HEADER_BYTES)
  const at = writeLinkHeader(bind, 0, LINK_TYPE_DATA, cookie)
  const length = at + writeFrameHeader(bind, at, wordsOf(client), 0, FRAME_FLAG_BIND, 0)
  const sender = wordsOf({ ...boundTo.link, listener: 0, transport: 'udp' })
  relay.openLinkDatagram(bind, 0, length, sender, 0, START)
  relay.nextFrame()
  return relay
}

function dropped(verdict: number): string {
  const reason = DROP_REASONS[dropIndex(verdict)]
  return reason === undefined ? 'dropped' : `dropped as ${reason}: ${describeDrop(reason)}`
}

function upstreamOf(relay: Relay, index: number, { upstreams }: ExplainContext): string {
  const words = new Int32Array(ENDPOINT_WORDS)
  relay.writeLink(index, words, 0)
  const link = formatEndpoint(readClient(words, 0))
  const upstream = upstreams.find((listed) => formatEndpoint(listed.link) === link)
  return upstream === undefined
    ? link
    : `cluster ${upstream.cluster}, transceiver ${upstream.transceiver} at ${link}`
}

function wordsOf(client: Client): Int32Array {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, client)
  return words
}

function nameOf({ listener, transport, ...endpoint }: Client): string {
  return `${formatEndpoint(endpoint)} on ${transport}, listener ${listener}`
}

/** A relay cannot be without a key; nothing is sealed under this one. */
const KEYLESS = new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(randomBytes(16)) }], 0)

const START = millisOf(0)

/** One flow at most is entered before the packet, and a datagram has few frames. */
const MAX_FLOWS = 256
