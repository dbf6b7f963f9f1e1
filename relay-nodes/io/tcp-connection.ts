/**
 * One client's TCP connection: takes packets out of its stream and puts packets into it. docs/tcp.md.
 *
 * At most one packet is handed to the system that it does not take at once; while that waits, the others wait here,
 * where the oldest can still be dropped.
 */

import type { Socket } from 'node:net'
import { PacketBacklog } from '../core/packet-backlog.ts'
import { framePacket, Rfc4571Reader } from '../core/rfc4571.ts'
import type { TcpEndReason } from '../core/tcp-connections.ts'

/** What a connection tells; the packet is valid during the call only. */
export interface TcpConnectionEvents {
  onPacket(packet: Uint8Array, client: Int32Array): void
  /** The system has taken a packet that was sent. */
  onDelivery(): void
  /** The connection cannot go on; told once. */
  onEnd(reason: TcpEndReason): void
}

/** An open connection. */
export class TcpConnection {
  /** The words of the client. */
  readonly client: Int32Array
  readonly #socket: Socket
  readonly #events: TcpConnectionEvents
  readonly #reader = new Rfc4571Reader()
  readonly #backlog = new PacketBacklog(MAX_BACKLOG_BYTES)
  #isBlocked = false
  #hasEnded = false

  constructor(socket: Socket, client: Int32Array, events: TcpConnectionEvents) {
    this.#socket = socket
    this.client = client
    this.#events = events
    socket.on('data', this.#handleData)
    // A client that has said its last word has no use for ours: that of ICE never half-closes.
    for (const event of ['end', 'error', 'close']) socket.on(event, () => this.#end('client-closed'))
  }

  /** Sends a packet; returns how many older ones had to go because the client does not read. */
  send(packet: Uint8Array): number {
    const framed = framePacket(packet)
    if (this.#isBlocked) return this.#backlog.add(framed)
    this.#write(framed)
    return 0
  }

  /** Closes the connection and forgets what waits, in the system too. */
  close(): void {
    this.#hasEnded = true
    this.#socket.resetAndDestroy()
  }

  readonly #handleData = (chunk: Uint8Array): void => {
    const reader = this.#reader
    reader.open(chunk)
    while (!this.#hasEnded && reader.next()) {
      this.#events.onPacket(reader.memory.subarray(reader.start, reader.start + reader.length), this.client)
    }
    if (reader.fault !== undefined) this.#end(reader.fault)
  }

  #write(framed: Uint8Array): void {
    this.#socket.write(framed, this.#handleWritten)
    this.#isBlocked = this.#socket.writableLength > 0
  }

  readonly #handleWritten = (error: Error | null | undefined): void => {
    if (error instanceof Error || this.#hasEnded) return
    this.#events.onDelivery()
    this.#isBlocked = this.#socket.writableLength > 0
    while (!this.#isBlocked) {
      const framed = this.#backlog.take()
      if (framed === undefined) return
      this.#write(framed)
    }
  }

  #end(reason: TcpEndReason): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#events.onEnd(reason)
  }
}

/** Bound on what waits for a slow reader: some five seconds of speech, or a burst on the data channel. */
const MAX_BACKLOG_BYTES = 32 * 1024
