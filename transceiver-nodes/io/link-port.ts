/** The transceiver's UDP port towards the relays, on `node:dgram`: docs/link.md. */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import type { Log } from '#shared/platform/log'

/** Where a datagram goes once it lies in memory. */
export interface LinkReceiver {
  /** Words that take the sender's endpoint. */
  readonly senderWords: Int32Array
  handleDatagram(start: number, length: number): void
}

/** A bound link port. */
export interface LinkPort {
  /** Sends the datagram at `start` of the packet memory; the memory may be reused after the call. */
  send(to: Endpoint, start: number, length: number): void
  /** Datagrams that the system did not take. */
  readonly sendErrors: number
  close(): Promise<void>
}

/** Binds the port; datagrams are copied to `memory` at `receiveStart` and handed on one by one. */
export async function openLinkPort(
  bind: Endpoint,
  memory: Uint8Array,
  receiveStart: number,
  receiver: LinkReceiver,
  log: Log,
): Promise<LinkPort> {
  const socket = createSocket({
    type: isIPv6(bind.address) ? 'udp6' : 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
  })
  socket.bind(bind.port, bind.address)
  await once(socket, 'listening')
  socket.on('error', (error) => log.warn('The link socket reports an error', { error }))
  socket.on('message', (datagram, sender) => {
    const { address, port } = sender
    if (datagram.length > memory.length - receiveStart) return
    if (!writeClient(receiver.senderWords, 0, { address, port, listener: 0, transport: 'udp' })) return
    memory.set(datagram, receiveStart)
    receiver.handleDatagram(receiveStart, datagram.length)
  })
  return new DgramLinkPort(socket, memory)
}

class DgramLinkPort implements LinkPort {
  readonly #socket: Socket
  readonly #memory: Uint8Array
  sendErrors = 0

  constructor(socket: Socket, memory: Uint8Array) {
    this.#socket = socket
    this.#memory = memory
  }

  send(to: Endpoint, start: number, length: number): void {
    // dgram may keep the buffer past the call, and the memory is written to again in this very turn.
    const datagram = this.#memory.slice(start, start + length)
    this.#socket.send(datagram, to.port, to.address, (error) => {
      if (error !== null) this.sendErrors++
    })
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
  }
}

/** Room for what arrives while the loop is busy: 4 MiB hold about a second of a thousand calls. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
