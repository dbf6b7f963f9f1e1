/**
 * The relay's sockets on Linux, in batches: docs/relay.md, "The batched shell".
 *
 * One turn is one `poll` and everything it brings. Packets for one upstream leave in one datagram, gathered from
 * the slots they arrived in (link header, then frame after frame); packets of one link datagram leave from where
 * they lie in it. Nothing is copied, nothing is allocated, nothing waits for the next turn.
 */

import { ENDPOINT_WORDS } from '#shared/endpoint'
import {
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_PROBE_BYTES,
  LINK_TYPE_DATA,
  MAX_BUNDLE_BYTES,
  MAX_FRAME_HEADER_BYTES,
  writeLinkHeader,
} from '#shared/link/frame'
import { monotonicNow } from '#shared/platform/clock'
import { PacketMemory } from '#shared/platform/packet-memory'
import { Poller } from '#shared/platform/poller'
import { ReceiveBatch, SendBatch } from '#shared/platform/udp-batch'
import { BatchSocket } from '#shared/platform/udp-socket'
import type { SocketHandle } from '#shared/platform/udp-socket'
import { millisOf } from '#shared/time'
import type { Relay } from '../core/relay.ts'
import { MAX_UPSTREAMS } from '../core/upstreams.ts'

/** The sockets of one thread, and what the link's datagrams carry. */
export interface BatchPortsOptions {
  /** Client ports, in the order of their listeners. */
  readonly clients: readonly SocketHandle[]
  readonly link: SocketHandle
  readonly cookie: Uint8Array
}

/** Totals of the sockets, which the relay's own counters do not see. */
export interface PortCounts {
  /** Datagrams that the kernel dropped for want of room, on client ports and on the link. */
  readonly kernelDrops: number
  /** Datagrams that the system refused to send. */
  readonly refused: number
  /** Datagrams longer than a slot. */
  readonly truncated: number
  /** Link datagrams sent, to compare with the packets in them. */
  readonly linkDatagrams: number
}

/** The sockets of one relay thread. */
export class BatchPorts {
  readonly #relay: Relay
  readonly #memory: PacketMemory
  readonly #clients: readonly BatchSocket[]
  readonly #link: BatchSocket
  readonly #poller: Poller
  readonly #receive: ReceiveBatch
  readonly #toUpstreams: SendBatch
  readonly #toClients: readonly SendBatch[]
  readonly #linkHeaderAt: number
  readonly #pingAt: number
  readonly #senders = new Int32Array(ENDPOINT_WORDS * BATCH)
  /** Link endpoints of the upstreams, in words; refreshed with each fleet snapshot. */
  readonly #upstreamWords = new Int32Array(ENDPOINT_WORDS * MAX_UPSTREAMS)
  /** Packets of the batch that wait for one upstream: a list through the slots, in order of arrival. */
  readonly #firstSlot = new Int32Array(MAX_UPSTREAMS).fill(-1)
  readonly #lastSlot = new Int32Array(MAX_UPSTREAMS)
  readonly #nextSlot = new Int32Array(BATCH)
  readonly #waiting = new Int32Array(BATCH)
  #truncated = 0

  /** Takes the sockets over; their owner closes them. */
  constructor(relay: Relay, options: BatchPortsOptions) {
    this.#relay = relay
    const receiveBytes = ReceiveBatch.bytesFor(BATCH, SLOT_BYTES)
    const uplinkBytes = SendBatch.bytesFor(BATCH, BATCH * 2)
    const downlinkBytes = SendBatch.bytesFor(BATCH, BATCH)
    const sendAt = align(receiveBytes)
    const clientsAt = sendAt + uplinkBytes
    const pollAt = clientsAt + downlinkBytes * options.clients.length
    this.#linkHeaderAt = pollAt + POLLFD_BYTES * (options.clients.length + 1)
    this.#pingAt = this.#linkHeaderAt + LINK_HEADER_BYTES
    this.#memory = new PacketMemory(this.#pingAt + LINK_PROBE_BYTES)
    this.#link = new BatchSocket(options.link)
    this.#clients = options.clients.map((handle) => new BatchSocket(handle))
    this.#receive = new ReceiveBatch(this.#memory, 0, BATCH, SLOT_BYTES, HEADROOM_BYTES)
    this.#toUpstreams = new SendBatch(this.#memory, sendAt, BATCH, BATCH * 2, {
      isIpv6: this.#link.isIpv6,
      segments: true,
    })
    this.#toClients = this.#clients.map(
      (socket, i) => new SendBatch(this.#memory, clientsAt + i * downlinkBytes, BATCH, BATCH, socket),
    )
    this.#poller = new Poller(this.#memory, pollAt, [...this.#clients, this.#link])
    writeLinkHeader(this.#memory.bytes, this.#linkHeaderAt, LINK_TYPE_DATA, options.cookie)
  }

  /** What the sockets have counted. */
  get counts(): PortCounts {
    const sockets = [...this.#clients, this.#link]
    const batches = [...this.#toClients, this.#toUpstreams]
    return {
      kernelDrops: sockets.reduce((sum, socket) => sum + socket.kernelDrops, 0),
      refused: batches.reduce((sum, batch) => sum + batch.refused, 0),
      truncated: this.#truncated,
      linkDatagrams: this.#toUpstreams.sent,
    }
  }

  /** Takes over the upstreams' link endpoints after `relay.handleUpstreams`. */
  refreshUpstreams(): void {
    for (let upstream = 0; upstream < MAX_UPSTREAMS; upstream++) {
      this.#relay.writeLink(upstream, this.#upstreamWords, upstream * ENDPOINT_WORDS)
    }
  }

  /** Sends the pings that are due after `relay.handleTimeout`: few and far between, so one at a time. */
  sendPings(): void {
    for (;;) {
      const upstream = this.#relay.nextPing(this.#memory.bytes, this.#pingAt)
      if (upstream < 0) return
      this.#toUpstreams.addPart(this.#pingAt, LINK_PROBE_BYTES)
      this.#toUpstreams.endMessage(this.#upstreamWords, upstream * ENDPOINT_WORDS)
      this.#toUpstreams.flush(this.#link)
    }
  }

  /** Waits for at most `timeoutMillis` and serves what has come; returns how many datagrams. */
  turn(timeoutMillis: number): number {
    if (this.#poller.wait(timeoutMillis) <= 0) return 0
    let served = 0
    for (let listener = 0; listener < this.#clients.length; listener++) {
      if (this.#poller.isReadable(listener)) served += this.#serveClients(listener)
    }
    if (this.#poller.isReadable(this.#clients.length)) served += this.#serveLink()
    return served
  }

  /** One batch of client packets: route each, then send what waits for each upstream. */
  #serveClients(listener: number): number {
    const socket = this.#clients[listener]
    if (socket === undefined) return 0
    const received = this.#receive.receive(socket, listener, this.#senders)
    const upstreams = this.#routeSlots(received)
    for (let i = 0; i < upstreams; i++) this.#sendToUpstream(this.#waiting[i] ?? 0)
    if (upstreams > 0) this.#toUpstreams.flush(this.#link)
    return Math.max(0, received)
  }

  /** Routes the packets of a batch and lines them up; returns how many upstreams they are for. */
  #routeSlots(count: number): number {
    const { bytes } = this.#memory
    const { lengths } = this.#receive
    let upstreams = 0
    for (let slot = 0; slot < count; slot++) {
      const start = this.#receive.start(slot)
      const at = slot * ENDPOINT_WORDS
      const upstream = this.#relay.handleClientPacket(bytes, start, lengths[slot] ?? 0, this.#senders, at)
      if (upstream < 0) continue
      if ((this.#firstSlot[upstream] ?? -1) < 0) {
        this.#firstSlot[upstream] = slot
        this.#waiting[upstreams++] = upstream
      } else {
        this.#nextSlot[this.#lastSlot[upstream] ?? 0] = slot
      }
      this.#lastSlot[upstream] = slot
      this.#nextSlot[slot] = -1
    }
    return upstreams
  }

  /** Gathers the frames that wait for `upstream` into as few datagrams as the MTU allows. */
  #sendToUpstream(upstream: number): void {
    const batch = this.#toUpstreams
    const wordsAt = upstream * ENDPOINT_WORDS
    let length = 0
    let slot = this.#firstSlot[upstream] ?? -1
    this.#firstSlot[upstream] = -1
    while (slot >= 0) {
      const header = frameHeaderBytes(this.#senders, slot * ENDPOINT_WORDS)
      const frame = header + (this.#receive.lengths[slot] ?? 0)
      if (length > 0 && length + frame > MAX_BUNDLE_BYTES) {
        batch.endMessage(this.#upstreamWords, wordsAt)
        length = 0
      }
      if (length === 0) {
        batch.addPart(this.#linkHeaderAt, LINK_HEADER_BYTES)
        length = LINK_HEADER_BYTES
      }
      batch.addPart(this.#receive.start(slot) - header, frame)
      length += frame
      slot = this.#nextSlot[slot] ?? -1
    }
    batch.endMessage(this.#upstreamWords, wordsAt)
  }

  /** One batch of link datagrams: send each packet in them through the listener that it names. */
  #serveLink(): number {
    const receive = this.#receive
    const received = receive.receive(this.#link, 0, this.#senders)
    // A whole number, which V8 hands on without a heap number for each datagram.
    const now = millisOf(Math.floor(monotonicNow()))
    for (let slot = 0; slot < received; slot++) {
      const length = receive.lengths[slot] ?? 0
      if (length > receive.slotCapacity) this.#truncated++
      const whole = Math.min(length, receive.slotCapacity)
      const at = slot * ENDPOINT_WORDS
      this.#relay.openLinkDatagram(this.#memory.bytes, receive.start(slot), whole, this.#senders, at, now)
      while (this.#relay.nextFrame()) this.#sendToClient()
      if (this.#relay.hasPong) this.#sendPong(slot)
    }
    for (let listener = 0; listener < this.#toClients.length; listener++) this.#flushClients(listener)
    if (this.#toUpstreams.pending > 0) this.#toUpstreams.flush(this.#link)
    return Math.max(0, received)
  }

  /** Sends the ping in a slot, which the relay has made a pong, back to its sender. */
  #sendPong(slot: number): void {
    this.#toUpstreams.addPart(this.#receive.start(slot), LINK_PROBE_BYTES)
    this.#toUpstreams.endMessage(this.#senders, slot * ENDPOINT_WORDS)
  }

  #sendToClient(): void {
    const { client, payloadStart, payloadLength } = this.#relay.frame
    const listener = ((client[4] ?? 0) >>> 16) & 0xff
    const batch = this.#toClients[listener]
    if (batch === undefined) return
    if (batch.isFull(1)) this.#flushClients(listener)
    batch.addPart(payloadStart, payloadLength)
    batch.endMessage(client, 0)
  }

  #flushClients(listener: number): void {
    const batch = this.#toClients[listener]
    const socket = this.#clients[listener]
    if (batch !== undefined && socket !== undefined && batch.pending > 0) batch.flush(socket)
  }
}

function align(at: number): number {
  return (at + 7) & ~7
}

/** Datagrams received by one system call; more gain little and cost cache (docs/relay.md). */
const BATCH = 64
/** Room for a datagram: a jumbo link datagram is cut to what the transceiver's MTU setting must respect. */
const SLOT_BYTES = 2048
/** Kept free before each datagram, for the frame header; a multiple of 8 keeps payloads aligned. */
const HEADROOM_BYTES = (MAX_FRAME_HEADER_BYTES + 7) & ~7
const POLLFD_BYTES = 8
