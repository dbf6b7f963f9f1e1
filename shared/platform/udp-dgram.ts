/**
 * A UDP port on `node:dgram`: the portable one, which runs wherever Node does.
 *
 * Endpoints are words, so pure code never sees a text. A port on `::` serves IPv4 too. What the system refuses
 * is counted and never thrown: UDP promises nothing, and one bad destination must not disturb the others.
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { ENDPOINT_WORDS } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { SocketAddresses } from './socket-addresses.ts'

/** Takes a datagram and the words of its sender; the words are valid during the call only, the datagram for ever. */
export type DatagramHandler = (datagram: Uint8Array, sender: Int32Array) => void

/** A bound port. */
export interface UdpPort {
  /** Where it is bound, with the port that was chosen for 0. */
  readonly endpoint: Endpoint
  /** Sends a datagram to the endpoint at `words[at]`, whose port is not 0; its bytes must not change afterwards. */
  send(datagram: Uint8Array, words: Int32Array, at: number): void
  /** Failures by the code of the system; `QUEUE_FULL` is a datagram dropped because too many already wait. */
  readonly failuresByCode: ReadonlyMap<string, number>
  /** Closes the port; datagrams sent later are dropped. */
  close(): Promise<void>
}

/** Binds a port; rejects if the address is taken or not this machine's. Port 0 takes a free one. */
export async function openUdpPort(bind: Endpoint, onDatagram: DatagramHandler): Promise<UdpPort> {
  const isDualStack = isIPv6(bind.address)
  const socket = createSocket({
    type: isDualStack ? 'udp6' : 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    // Every address is literal; the default look-up would put each datagram off to the next tick.
    lookup: (address, _options, callback) => callback(null, address, isDualStack ? 6 : 4),
  })
  // The look-up being synchronous, so is the event.
  const listening = once(socket, 'listening')
  socket.bind(bind.port, bind.address)
  await listening
  return new DgramPort(socket, isDualStack, onDatagram)
}

class DgramPort implements UdpPort {
  readonly endpoint: Endpoint
  readonly failuresByCode = new Map<string, number>()
  readonly #socket: Socket
  readonly #addresses: SocketAddresses
  readonly #sender = new Int32Array(ENDPOINT_WORDS)
  #isOpen = true

  constructor(socket: Socket, isDualStack: boolean, onDatagram: DatagramHandler) {
    const { address, port } = socket.address()
    this.endpoint = { address, port }
    this.#socket = socket
    this.#addresses = new SocketAddresses(isDualStack)
    socket.on('error', this.#handleError)
    socket.on('message', (datagram, { address: from, port: fromPort }) => {
      if (!this.#addresses.write(from, this.#sender, 0)) return this.#count('UNKNOWN_SENDER')
      this.#sender[4] = fromPort
      onDatagram(datagram, this.#sender)
    })
  }

  send(datagram: Uint8Array, words: Int32Array, at: number): void {
    if (!this.#isOpen) return
    if (this.#socket.getSendQueueCount() >= MAX_QUEUED_DATAGRAMS) return this.#count('QUEUE_FULL')
    const port = (words[at + 4] ?? 0) & 0xffff
    this.#socket.send(datagram, port, this.#addresses.textOf(words, at), this.#handleError)
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  readonly #handleError = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) this.#count(error.code ?? 'UNKNOWN')
  }

  #count(code: string): void {
    this.failuresByCode.set(code, (this.failuresByCode.get(code) ?? 0) + 1)
  }
}

/** Room in the kernel for what arrives while the loop is busy: about a second of a thousand calls. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024

/** Bound on datagrams that Node holds while the kernel's buffer is full; later ones are worth less than none. */
const MAX_QUEUED_DATAGRAMS = 1_024
