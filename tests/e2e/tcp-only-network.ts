/** A network between browsers and relays that drops UDP in silence, as many companies' do: TCP passes. */

import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { pipeline } from 'node:stream'

/** Stands at the address that relays advertise; the relays themselves listen on loopback. */
export class TcpOnlyNetwork {
  /** Datagrams dropped, and connections passed on. */
  datagrams = 0
  connections = 0
  readonly #open: { close(): unknown }[] = []

  /** Takes the place of relays on these ports of `address`. */
  static async open(address: string, ports: readonly number[]): Promise<TcpOnlyNetwork> {
    const network = new TcpOnlyNetwork()
    for (const port of ports) {
      await network.#listen(
        createSocket('udp4')
          .on('message', () => network.datagrams++)
          .bind(port, address),
      )
      const server = createServer((client) => network.#pass(client, port))
      await network.#listen(server.listen(port, address))
    }
    return network
  }

  close(): void {
    for (const each of this.#open) each.close()
  }

  async #listen(port: UdpSocket | Server): Promise<void> {
    await once(port, 'listening')
    this.#open.push(port)
  }

  #pass(client: Socket, port: number): void {
    this.connections++
    const relay = connect({ host: '127.0.0.1', port, noDelay: true })
    client.setNoDelay(true)
    pipeline(client, relay, client, () => {})
    this.#open.push({ close: () => client.destroy() })
  }
}
