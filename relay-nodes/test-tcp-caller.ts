/** A client on TCP, for the tests of this folder and of tests/system. */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Endpoint } from '#shared/endpoint'
import { framePacket, Rfc4571Reader } from './core/rfc4571.ts'

/** A connection that keeps what it receives. */
export class TcpCaller {
  readonly socket: Socket
  /** The client as the relay sees it. */
  readonly endpoint: Endpoint
  /** Packets received, and the bytes of the stream. */
  readonly received: Uint8Array[] = []
  receivedBytes = 0
  /** How the connection has ended, if it has. */
  fate: 'open' | 'closed' | 'reset' = 'open'
  readonly #reader = new Rfc4571Reader()

  /** Connects to a relay's port; resolves also when the relay cuts the connection off at once. */
  static async connect(to: Endpoint, from = to.address): Promise<TcpCaller> {
    const socket = connect({ host: to.address, port: to.port, localAddress: from })
    const isReset = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    })
    return new TcpCaller(socket, isReset)
  }

  private constructor(socket: Socket, isReset: boolean) {
    this.socket = socket
    this.endpoint = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    if (isReset) this.fate = 'reset'
    socket.on('data', this.#handleData)
    socket.on(
      'error',
      ({ code }: NodeJS.ErrnoException) => (this.fate = code === 'ECONNRESET' ? 'reset' : 'closed'),
    )
    socket.on('end', () => (this.fate = 'closed'))
  }

  send(packet: Uint8Array): void {
    this.socket.write(framePacket(packet))
  }

  async close(): Promise<void> {
    if (this.socket.closed) return
    await new Promise((resolve) => this.socket.once('close', resolve).destroy())
  }

  readonly #handleData = (chunk: Uint8Array): void => {
    const reader = this.#reader
    this.receivedBytes += chunk.length
    reader.open(chunk)
    while (reader.next()) {
      this.received.push(Uint8Array.from(reader.memory.subarray(reader.start, reader.start + reader.length)))
    }
  }
}
