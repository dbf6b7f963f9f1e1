/**
 * A UDP load balancer for one VIP: hashes each client to a relay that lives, and watches the relays by TCP.
 *
 * It keeps a socket for each client, and that socket is the client as far as the relays can see, whichever of
 * them it sends to. So a client that is moved keeps its endpoint, as it does behind a balancer that leaves source
 * addresses alone.
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint } from '#shared/endpoint'
import { machineNow } from './arrivals.ts'
import type { RelayProcess } from './relay-process.ts'

/** The balancer at work; a target is the index of a relay. */
export class Balancer {
  readonly #vip = createSocket('udp4')
  readonly #vipPort: number
  readonly #targets: readonly Target[]
  readonly #socketByPort = new Map<number, Socket>()
  readonly #timer: NodeJS.Timeout

  private constructor(vipPort: number, relays: readonly RelayProcess[]) {
    this.#vipPort = vipPort
    this.#targets = relays.map(({ site }) => ({
      address: site.bind,
      watchedPort: site.adminPort,
      isAlive: true,
    }))
    this.#vip.on('message', (packet, { port }) => this.#forward(packet, port))
    this.#timer = setInterval(() => this.#watch(), WATCH_INTERVAL)
  }

  /** Takes the VIP; the relays have the same port at addresses of their own. */
  static async start(vip: Endpoint, relays: readonly RelayProcess[]): Promise<Balancer> {
    const balancer = new Balancer(vip.port, relays)
    balancer.#vip.bind(vip.port, vip.address)
    await once(balancer.#vip, 'listening')
    return balancer
  }

  /** The target that the client at this port is sent to. */
  targetOf(clientPort: number): number {
    const living = [...this.#targets.keys()].filter((index) => this.#targets[index]?.isAlive === true)
    return living[clientPort % living.length] ?? 0
  }

  /** Resolves, once the target is found dead, to how long that took from now on. */
  async untilLost(target: number): Promise<number> {
    const from = machineNow()
    while (this.#targets[target]?.isAlive === true) await sleep(1)
    return machineNow() - from
  }

  /** Resolves once every target is alive. */
  async untilWhole(): Promise<void> {
    while (!this.#targets.every(({ isAlive }) => isAlive)) await sleep(WATCH_INTERVAL)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const socket of [this.#vip, ...this.#socketByPort.values()]) socket.close()
  }

  #forward(packet: Uint8Array, clientPort: number): void {
    const address = this.#targets[this.targetOf(clientPort)]?.address
    this.#socketOf(clientPort).send(packet, this.#vipPort, address, () => {})
  }

  #socketOf(clientPort: number): Socket {
    const known = this.#socketByPort.get(clientPort)
    if (known !== undefined) return known
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    socket.on('message', (packet) => this.#vip.send(packet, clientPort, '127.0.0.1', () => {}))
    this.#socketByPort.set(clientPort, socket)
    return socket
  }

  #watch(): void {
    for (const target of this.#targets) {
      const probe = connect(target.watchedPort, '127.0.0.1')
      const settle = (isAlive: boolean) => {
        target.isAlive = isAlive
        probe.destroy()
      }
      probe.once('connect', () => settle(true)).once('error', () => settle(false))
    }
  }
}

interface Target {
  readonly address: string
  /** A TCP port that takes connections while the relay lives. */
  readonly watchedPort: number
  isAlive: boolean
}

/** How often each relay is asked whether it lives; one refusal is believed. */
const WATCH_INTERVAL = 100
