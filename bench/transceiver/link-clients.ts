/**
 * Light clients behind a relay that is not there: their packets are framed as a relay would, and go straight to the
 * link of a media thread. docs/transceiver.md, "What it costs".
 *
 * Every client has real ICE, DTLS and SRTP; each talks at a moment of its own within the 20 ms, so packets meet in a
 * datagram only as far as `framesPerDatagram` and the generator's clock of a millisecond have them meet.
 */

import { readU16 } from '#shared/bytes'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import {
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_PROBE_BYTES,
  LINK_TOKEN_BYTES,
  LINK_TYPE_DATA,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  LinkReader,
  MAX_BUNDLE_BYTES,
  writeFrameHeader,
  writeLinkHeader,
  writeLinkProbe,
} from '#shared/link/frame'
import { RTP_HEADER_BYTES } from '#shared/packet/rtp'
import { monotonicNow } from '#shared/platform/clock'
import { PacketMemory } from '#shared/platform/packet-memory'
import { openSocket } from '#shared/platform/udp-socket'
import type { Millis } from '#shared/time'
import type { KnownLink } from '../../transceiver-nodes/core/relay-directory.ts'
import { createCertificate } from '../../transceiver-nodes/crypto/certificate.ts'
import { DtlsContext } from '../../transceiver-nodes/crypto/dtls-context.ts'
import { BATCH_PORT_BYTES, BatchLinkPort } from '../../transceiver-nodes/io/batch-link-port.ts'
import { LightClient, SEND_BYTES } from '../client/light-client.ts'

/** What the clients say, and how their packets travel. */
export interface LinkClientsOptions {
  /** Where the relay's link is bound, and the media thread's. */
  readonly bind: Endpoint
  readonly server: Endpoint
  /** Opus packets of 20 ms, said one after the other and again. */
  readonly speech: readonly Uint8Array[]
  readonly framesPerDatagram: number
}

/** Clients of one media thread, on one socket and one clock. */
export class LinkClients {
  /** Packets of audio sent, and those of them that came back, which are the long ones. */
  sent = 0
  echoed = 0
  /** Packets of audio that came, echoed or not, and those that are missing between them. */
  heard = 0
  missed = 0
  /** Calls that the server has ended by itself. */
  ended = 0
  readonly #options: LinkClientsOptions
  readonly #memory = new PacketMemory(PORT_AT + BATCH_PORT_BYTES)
  readonly #context = new DtlsContext(createCertificate())
  readonly #reader = new LinkReader()
  readonly #port: BatchLinkPort
  readonly #server: KnownLink
  readonly #talkers = new Map<number, Talker>()
  /** Who is served in each millisecond of 20: to look at all clients in each took a tenth of the generator. */
  readonly #slices = Array.from({ length: FRAME_MILLIS }, () => new Set<Talker>())
  #servedUntil = Math.floor(monotonicNow())
  readonly #timer: NodeJS.Timeout
  #lastId = 0
  #slot = 0
  #slotLength = 0
  #frames = 0

  constructor(options: LinkClientsOptions) {
    this.#options = options
    const words = new Int32Array(ENDPOINT_WORDS)
    writeClient(words, 0, { ...options.server, listener: 0, transport: 'udp' })
    this.#server = { relay: '', region: '', endpoint: options.server, words, vip: 0, cookie: COOKIE }
    const socket = openSocket({ bind: options.bind, bufferBytes: SOCKET_BUFFER_BYTES })
    this.#port = new BatchLinkPort(socket, this.#memory, PORT_AT, {
      handleDatagram: (start, length) => this.#handleDatagram(start, length),
    })
    this.#timer = setInterval(() => this.#turn(), 1)
  }

  /** Places a call, by a function that exchanges an offer for an answer; resolves to its number once it is connected. */
  async call(place: (offer: string) => Promise<string>): Promise<number> {
    const id = ++this.#lastId
    const words = new Int32Array(ENDPOINT_WORDS)
    const address = `10.${id >> 16}.${(id >> 8) & 0xff}.${id & 0xff}`
    writeClient(words, 0, { address, port: 40_000, listener: 0, transport: 'udp' })
    const client = new LightClient({
      context: this.#context,
      memory: this.#memory,
      transmit: (_path, packet) => this.#transmit(words, packet),
      onAudio: (start, length) => this.#hear(talker, start, length),
    })
    const slice = Math.floor(Math.random() * FRAME_MILLIS)
    const talker: Talker = { client, words, slice, sequence: -1, isTalking: false, said: 0 }
    this.#talkers.set(id, talker)
    this.#slices[slice]?.add(talker)
    client.handleAnswer(await place(client.offer), monotonicNow())
    await this.#untilConnected(client)
    return id
  }

  /** Has a client talk from now on, at a moment of its own in every 20 ms. */
  talk(id: number): void {
    const talker = this.#talkers.get(id)
    if (talker !== undefined) talker.isTalking = true
  }

  /** Has every client be silent, until it is to talk again. */
  hush(): void {
    for (const talker of this.#talkers.values()) talker.isTalking = false
  }

  /** Ends a call. */
  hangUp(id: number): void {
    const talker = this.#talkers.get(id)
    if (talker === undefined) return
    talker.client.close()
    this.#flush()
    this.#slices[talker.slice]?.delete(talker)
    this.#talkers.delete(id)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const id of this.#talkers.keys()) this.hangUp(id)
    this.#context.close()
  }

  async #untilConnected(client: LightClient): Promise<void> {
    const deadline = monotonicNow() + CONNECT_WAIT
    while (!client.isConnected) {
      if (monotonicNow() > deadline)
        throw new Error(`a client does not connect (${client.ending ?? 'silence'})`)
      await new Promise((resolve) => setImmediate(resolve))
      // A handshake's next packet should wait for no clock: the server is measured, not the generator.
      this.#receive()
      this.#flush()
    }
  }

  #turn(): void {
    const now = monotonicNow()
    this.#receive()
    // Of what a generator has slept through, clients catch up with so much.
    this.#servedUntil = Math.max(this.#servedUntil, Math.floor(now) - MAX_CATCH_UP)
    while (this.#servedUntil < Math.floor(now)) this.#serveSlice(++this.#servedUntil % FRAME_MILLIS, now)
    this.#flush()
  }

  #receive(): void {
    this.#port.receive(0)
    this.#port.release()
  }

  #serveSlice(slice: number, now: Millis): void {
    for (const talker of this.#slices[slice] ?? []) {
      talker.client.handleTick(now)
      if (talker.isTalking) this.#say(talker)
    }
  }

  #say(talker: Talker): void {
    const { speech } = this.#options
    const payload = speech[talker.said % speech.length]
    const timestamp = talker.said * TICKS_PER_FRAME
    if (payload !== undefined && talker.client.sendAudio(payload, timestamp)) this.sent++
    talker.said++
  }

  #handleDatagram(start: number, length: number): void {
    const reader = this.#reader
    const { bytes } = this.#memory
    if (reader.open(bytes, start, length) !== undefined) return
    if (reader.type === LINK_TYPE_PING) this.#pong()
    const now = monotonicNow()
    while (reader.type === LINK_TYPE_DATA && reader.next()) {
      const id = (reader.client[3] ?? 0) & 0xff_ffff
      const client = this.#talkers.get(id)?.client
      if (client === undefined || reader.payloadLength === 0) continue
      client.handlePacket(0, reader.payloadStart, reader.payloadLength, now)
      if (client.ending !== undefined) this.#leave(id)
    }
  }

  /** As a browser does: one that went on checking would be a stranger's traffic in the server's figures. */
  #leave(id: number): void {
    this.ended++
    this.hangUp(id)
  }

  #pong(): void {
    const { tokenStart } = this.#reader
    const token = this.#memory.bytes.slice(tokenStart, tokenStart + LINK_TOKEN_BYTES)
    writeLinkProbe(this.#memory.bytes, PROBE_AT, LINK_TYPE_PONG, COOKIE, token)
    this.#port.add(this.#server, PROBE_AT, LINK_PROBE_BYTES)
    this.#port.flush()
  }

  #hear(talker: Talker, start: number, length: number): void {
    const sequence = readU16(this.#memory.bytes, start + SEQUENCE_AT)
    if (talker.sequence >= 0) this.missed += ((sequence - talker.sequence) & 0xffff) - 1
    talker.sequence = sequence
    this.heard++
    if (length > RTP_HEADER_BYTES + MAX_SILENCE_BYTES) this.echoed++
  }

  #transmit(words: Int32Array, packet: Uint8Array): void {
    const { bytes } = this.#memory
    const header = frameHeaderBytes(words, 0)
    const isFull = this.#slotLength + header + packet.length > MAX_BUNDLE_BYTES
    if (isFull || this.#frames === this.#options.framesPerDatagram) this.#endDatagram()
    const at = SLOTS_AT + this.#slot * SLOT_BYTES
    if (this.#slotLength === 0) this.#slotLength = writeLinkHeader(bytes, at, LINK_TYPE_DATA, COOKIE)
    writeFrameHeader(bytes, at + this.#slotLength, words, 0, 0, packet.length)
    bytes.set(packet, at + this.#slotLength + header)
    this.#slotLength += header + packet.length
    this.#frames++
  }

  #endDatagram(): void {
    if (this.#slotLength <= LINK_HEADER_BYTES) return
    this.#port.add(this.#server, SLOTS_AT + this.#slot * SLOT_BYTES, this.#slotLength)
    this.#slot++
    this.#slotLength = 0
    this.#frames = 0
    if (this.#slot < SLOTS) return
    this.#port.flush()
    this.#slot = 0
  }

  #flush(): void {
    this.#endDatagram()
    this.#port.flush()
    this.#slot = 0
  }
}

interface Talker {
  readonly client: LightClient
  readonly words: Int32Array
  /** The millisecond of each 20 in which it is served. */
  readonly slice: number
  /** Of the last packet heard; -1: none. */
  sequence: number
  isTalking: boolean
  said: number
}

const COOKIE = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
const CONNECT_WAIT = 20_000
const FRAME_MILLIS = 20
/** Milliseconds: five packets. */
const MAX_CATCH_UP = 100
const TICKS_PER_FRAME = 960
/** In an RTP header, RFC 3550 section 5.1. */
const SEQUENCE_AT = 2
/** What a server says that has nothing to say. */
const MAX_SILENCE_BYTES = 3
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
/** In the memory: what clients seal, a pong, datagrams that wait to be sent, and the port's own. */
const SLOTS = 64
const SLOT_BYTES = 2048
const PROBE_AT = SEND_BYTES
const SLOTS_AT = PROBE_AT + 64
const PORT_AT = SLOTS_AT + SLOTS * SLOT_BYTES
