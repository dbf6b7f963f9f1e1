/**
 * A network with a delay between browsers and relays: it stands at the address that the relays advertise, while the
 * relays themselves listen on loopback at the same ports.
 *
 * It keeps a socket for each client and relay, and that socket is the client as far as the relay can see. Packets
 * keep their order, and none is lost.
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'

/** Which way a packet travels: from or to the client. */
export type Heading = 'up' | 'down'

/** Sees each packet when it is delivered, on the way to or from the relay at `port`. */
export type Observer = (packet: Uint8Array, heading: Heading, port: number, client: string) => void

/** The network at work. */
export class DelayedNetwork {
  readonly #ways: Way[] = []

  /** Takes the place of relays on these ports of `address`; every packet takes `oneWayMillis`. */
  static async open(
    address: string,
    ports: readonly number[],
    oneWayMillis: number,
    observe: Observer = () => {},
  ): Promise<DelayedNetwork> {
    const network = new DelayedNetwork()
    for (const port of ports) {
      const way = new Way(port, oneWayMillis, observe)
      network.#ways.push(way)
      await way.listen(address)
    }
    return network
  }

  /** Changes the delay of the way to one relay from now on; packets under way are not overtaken. */
  delay(port: number, oneWayMillis: number): void {
    for (const way of this.#ways) if (way.port === port) way.oneWayMillis = oneWayMillis
  }

  close(): void {
    for (const way of this.#ways) way.close()
  }
}

/** The way to one relay. */
class Way {
  readonly port: number
  oneWayMillis: number
  readonly #observe: Observer
  readonly #outer = createSocket('udp4')
  readonly #innerByClient = new Map<string, Socket>()
  readonly #arrivesAt = { up: 0, down: 0 }

  constructor(port: number, oneWayMillis: number, observe: Observer) {
    this.port = port
    this.oneWayMillis = oneWayMillis
    this.#observe = observe
    this.#outer.on('message', (packet, client) => {
      const inner = this.#innerOf(client.address, client.port)
      this.#after('up', () => {
        this.#observe(packet, 'up', this.port, `${client.address} ${client.port}`)
        inner.send(packet, this.port, '127.0.0.1', () => {})
      })
    })
  }

  async listen(address: string): Promise<void> {
    this.#outer.bind(this.port, address)
    await once(this.#outer, 'listening')
  }

  close(): void {
    this.#outer.close()
    for (const inner of this.#innerByClient.values()) inner.close()
    this.#innerByClient.clear()
  }

  #innerOf(address: string, port: number): Socket {
    const name = `${address} ${port}`
    const known = this.#innerByClient.get(name)
    if (known !== undefined) return known
    const inner = createSocket('udp4').bind(0, '127.0.0.1')
    inner.on('message', (packet) => {
      this.#after('down', () => {
        this.#observe(packet, 'down', this.port, name)
        this.#outer.send(packet, port, address, () => {})
      })
    })
    this.#innerByClient.set(name, inner)
    return inner
  }

  /** A packet never arrives before one that was sent earlier, so that a delay can be taken back. */
  #after(direction: Heading, deliver: () => void): void {
    const now = performance.now()
    const at = Math.max(now + this.oneWayMillis, this.#arrivesAt[direction])
    this.#arrivesAt[direction] = at
    if (at === now) this.#ifOpen(deliver)
    else setTimeout(() => this.#ifOpen(deliver), at - now)
  }

  #ifOpen(deliver: () => void): void {
    try {
      deliver()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw error
    }
  }
}
