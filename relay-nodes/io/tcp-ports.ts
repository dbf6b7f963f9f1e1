/**
 * The relay's TCP client ports, on `node:net`: docs/tcp.md.
 *
 * To the relay they are client ports like those on UDP: packets come out with the words of their client, and go in
 * by them. Connections of all ports are bounded together. Nothing is ever written to a connection by itself.
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { readI32 } from '#shared/bytes'
import { ENDPOINT_WORDS, TCP_BIT } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { monotonicNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import { SocketAddresses } from '#shared/platform/socket-addresses'
import { TcpConnections } from '../core/tcp-connections.ts'
import type { TcpEndReason, TcpLimits } from '../core/tcp-connections.ts'
import { TcpConnection } from './tcp-connection.ts'

export interface TcpPortsOptions {
  /** Where clients come. */
  readonly binds: readonly Endpoint[]
  /** The listener of the first of them; the others follow. */
  readonly firstListener: number
  /** Takes a packet and the words of its client, both valid during the call only. */
  readonly onPacket: (packet: Uint8Array, client: Int32Array) => void
  /** Is told that there is no connection, or no longer, to the client at `words`. */
  readonly onClosed: (words: Int32Array) => void
  readonly limits?: TcpLimits
}

/** What the ports have counted. */
export interface TcpCounts {
  readonly open: number
  readonly halfOpen: number
  /** Connections so far: those open, and those ended by reason. */
  readonly accepted: number
  readonly endsByReason: ReadonlyMap<TcpEndReason, number>
  /** Packets for clients that were not sent. */
  readonly dropsByReason: Readonly<Record<TcpDropReason, number>>
  /** Connections that the system could not accept, by its code. */
  readonly failuresByCode: ReadonlyMap<string, number>
}

export type TcpDropReason = 'no-connection' | 'slow-reader'

/** Bound ports. */
export interface TcpPorts {
  /** Where they are bound, with the ports that were chosen for 0. */
  readonly endpoints: readonly Endpoint[]
  readonly counts: TcpCounts
  /** Sends a copy of a packet to the client at `words[at]`. */
  send(packet: Uint8Array, words: Int32Array, at: number): void
  /** Closes every port and every connection. */
  close(): Promise<void>
}

/** Binds the ports; rejects, with none left open, if one of them cannot be bound. */
export async function openTcpPorts(options: TcpPortsOptions): Promise<TcpPorts> {
  const ports = new NodeTcpPorts(options)
  try {
    await ports.listen()
    return ports
  } catch (error) {
    await ports.close()
    throw error
  }
}

class NodeTcpPorts implements TcpPorts {
  readonly #options: TcpPortsOptions
  readonly #servers: readonly Server[]
  readonly #table: TcpConnections
  readonly #connections: (TcpConnection | undefined)[] = []
  readonly #addresses = new SocketAddresses(false)
  readonly #dropsByReason = { 'no-connection': 0, 'slow-reader': 0 }
  readonly #failuresByCode = new Map<string, number>()
  #accepted = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: TcpPortsOptions) {
    this.#options = options
    const key = randomBytes(8)
    const hashKey = [readI32(key, 0), readI32(key, 4)] as const
    this.#table = new TcpConnections(options.limits ?? LIMITS, hashKey, this.#forget)
    this.#servers = options.binds.map((_, i) =>
      createServer({ noDelay: true }, (socket) => this.#accept(socket, options.firstListener + i)),
    )
  }

  get endpoints(): readonly Endpoint[] {
    return this.#servers.map((server) => {
      const { address, port } = server.address() as AddressInfo
      return { address, port }
    })
  }

  get counts(): TcpCounts {
    return {
      open: this.#table.size,
      halfOpen: this.#table.halfOpen,
      accepted: this.#accepted,
      endsByReason: this.#table.endsByReason,
      dropsByReason: this.#dropsByReason,
      failuresByCode: this.#failuresByCode,
    }
  }

  async listen(): Promise<void> {
    for (const [i, server] of this.#servers.entries()) {
      const bind = this.#options.binds[i]
      server.listen({ host: bind?.address, port: bind?.port })
      await once(server, 'listening')
      server.on('error', this.#handleError)
    }
    this.#timer = setInterval(() => this.#table.handleTimeout(monotonicNow()), SWEEP_INTERVAL)
  }

  send(packet: Uint8Array, words: Int32Array, at: number): void {
    const connection = this.#connections[this.#table.find(words, at)]
    if (connection !== undefined) {
      this.#dropsByReason['slow-reader'] += connection.send(packet)
      return
    }
    this.#dropsByReason['no-connection']++
    // The frame may have bound a flow for a connection that was closing.
    this.#options.onClosed(words)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)))
    for (const connection of this.#connections) connection?.close()
    await Promise.all(closed)
  }

  #accept(socket: Socket, listener: number): void {
    this.#accepted++
    const client = new Int32Array(ENDPOINT_WORDS)
    const { remoteAddress = '', remotePort = 0 } = socket
    // An address that is gone, or has a zone, is nobody's.
    this.#addresses.write(remoteAddress, client, 0)
    client[4] = remotePort | (listener << 16) | TCP_BIT
    const slot = this.#table.admit(client, 0, monotonicNow())
    if (slot < 0) {
      socket.resetAndDestroy()
      return
    }
    this.#connections[slot] = new TcpConnection(socket, client, {
      onPacket: this.#options.onPacket,
      onDelivery: () => this.#table.handleDelivery(slot, monotonicNow()),
      onEnd: (reason) => this.#table.end(slot, reason),
    })
  }

  readonly #forget = (slot: number): void => {
    const connection = this.#connections[slot]
    this.#connections[slot] = undefined
    if (connection === undefined) return
    connection.close()
    this.#options.onClosed(connection.client)
  }

  readonly #handleError = (error: NodeJS.ErrnoException): void => {
    const code = error.code ?? 'UNKNOWN'
    this.#failuresByCode.set(code, (this.#failuresByCode.get(code) ?? 0) + 1)
  }
}

/** What the relay bears; docs/tcp.md tells why. */
const LIMITS: TcpLimits = {
  maxConnections: 8_192,
  maxPerSource: 512,
  answerTimeout: 5_000,
  idleTimeout: 60_000,
}

/** How often connections are looked at whose time may be over. */
const SWEEP_INTERVAL = 1_000
