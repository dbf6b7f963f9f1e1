/**
 * The transceiver's UDP port towards the relays: docs/link.md; and the one on `node:dgram`, which runs wherever Node
 * does. `batch-link-port.ts` is the other.
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import type { Log } from '#shared/platform/log'
import type { KnownLink } from '../core/relay-directory.ts'

/** Where a datagram goes once it lies in memory. */
export interface LinkReceiver {
  /** Takes the datagram of `length` bytes at `start`, from the endpoint at `senders[senderAt]`. */
  handleDatagram(start: number, length: number, senders: Int32Array, senderAt: number): void
}

/** A bound link port. */
export interface LinkPort {
  /** True: datagrams come only when `receive` asks for them; false: whenever they arrive. */
  readonly isPolled: boolean
  /**
   * Hands on what has arrived, waiting for at most `timeoutMillis` for the first; returns how many datagrams. They
   * stay where they are until `release`.
   */
  receive(timeoutMillis: number): number
  /** True when nothing more is received before `release`. */
  readonly isFull: boolean
  /** Says that the datagrams received so far are not needed any more. */
  release(): void
  /** Takes a datagram in the packet memory, which stays as it is until `flush`. */
  add(to: KnownLink, start: number, length: number): void
  /** Sends what was added. */
  flush(): void
  /** What went wrong so far. */
  readonly counts: LinkPortCounts
  close(): Promise<void>
}

/** What a port could not do, in datagrams. */
export interface LinkPortCounts {
  /** Not sent, for the system refused them. */
  readonly refused: number
  /** Not received: longer than anything that a relay sends. */
  readonly truncated: number
  /** Not received: the kernel had no room for them. */
  readonly kernelDrops: number
}

/** Binds a port; datagrams are copied to `memory` at `receiveStart` and handed on one by one. */
export async function openLinkPort(
  bind: Endpoint,
  memory: Uint8Array,
  receiveStart: number,
  receiver: LinkReceiver,
  log: Log,
): Promise<LinkPort> {
  const socket = createSocket({
    type: isIPv6(bind.address) ? 'udp6' : 'udp4',
    recvBufferSize: LINK_BUFFER_BYTES,
  })
  socket.bind(bind.port, bind.address)
  await once(socket, 'listening')
  socket.on('error', (error) => log.warn('The link socket reports an error', { error }))
  const sender = new Int32Array(ENDPOINT_WORDS)
  socket.on('message', (datagram, { address, port }) => {
    if (datagram.length > memory.length - receiveStart) return
    if (!writeClient(sender, 0, { address, port, listener: 0, transport: 'udp' })) return
    memory.set(datagram, receiveStart)
    receiver.handleDatagram(receiveStart, datagram.length, sender, 0)
  })
  return new DgramLinkPort(socket, memory)
}

class DgramLinkPort implements LinkPort {
  readonly isPolled = false
  readonly isFull = false
  readonly #socket: Socket
  readonly #memory: Uint8Array
  #refused = 0

  constructor(socket: Socket, memory: Uint8Array) {
    this.#socket = socket
    this.#memory = memory
  }

  get counts(): LinkPortCounts {
    return { refused: this.#refused, truncated: 0, kernelDrops: 0 }
  }

  receive(): number {
    return 0
  }

  release(): void {}

  add({ endpoint }: KnownLink, start: number, length: number): void {
    // dgram may keep the buffer past the call, and the memory is written to again in this very turn.
    const datagram = this.#memory.slice(start, start + length)
    this.#socket.send(datagram, endpoint.port, endpoint.address, (error) => {
      if (error !== null) this.#refused++
    })
  }

  flush(): void {}

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
  }
}

/** Room for what arrives while the loop is busy: 4 MiB hold about a second of a thousand calls. */
export const LINK_BUFFER_BYTES = 4 * 1024 * 1024
/** Memory that a port on dgram needs: the longest UDP datagram. */
export const DGRAM_PORT_BYTES = 65_536
