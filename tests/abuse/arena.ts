/** A relay process with a transceiver and a call, and whoever wants to do it harm. */

import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Endpoint } from '#shared/endpoint'
import { HEARTBEAT_SECONDS } from '#shared/fleet/record'
import { epochNow } from '#shared/platform/clock'
import { openStore } from '#shared/platform/store'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import { ROUTE_KEYS } from '../../relay-nodes/test-packets.ts'
import { startLocalStore } from '../../scripts/local-store/server.ts'
import type { LocalStore } from '../../scripts/local-store/server.ts'
import type { Child } from '../../scripts/start/child.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { transceiverRecord } from '../fleet-records.ts'
import { metricsAt } from '../metrics.ts'
import type { Attack } from './attacks.ts'
import type { FloodOrder, FloodReport } from './flood-thread.ts'
import { Victim } from './victim.ts'
import { relayEnvironment, relayProcess } from '../relay-process.ts'
import type { RelayPorts } from '../relay-process.ts'
import type { Passage } from './victim.ts'

/** What an attack did. */
export interface Assault extends FloodReport {
  /** The victim's packets before it and during it. */
  readonly quiet: Passage
  readonly flooded: Passage
  /** Drops of the relay while it lasted, by reason; `kernel` is what the system had no room for. */
  readonly dropsByReason: Readonly<Record<string, number>>
  /** Packets that reached the transceiver, the victim's not counted. */
  readonly forwarded: number
  /** Bytes that came back for each byte sent. */
  readonly amplification: number
}

/** How hard an attack is. */
export interface Force {
  readonly packets: number
  readonly perSecond: number
  /** How long the victim talks before it. */
  readonly quietMillis: number
}

export class Arena {
  /** A ufrag that routes, as the victim's SDP shows it to whoever sees that. */
  readonly ufrag: string
  readonly #parts: Parts
  readonly #ports: RelayPorts
  #counts: Readonly<Record<string, number>> = {}

  static async open(): Promise<Arena> {
    const store = await startLocalStore({ port: 0, token: 'token' })
    const transceiver = new Worker(new URL('transceiver-thread.ts', import.meta.url))
    const [link] = (await once(transceiver, 'message')) as [Endpoint]
    const records = openStore({ url: store.url, token: 'token' })
    const beat = () => records.publish(transceiverRecord({ link }, epochNow()))
    await beat()
    const heart = setInterval(() => void beat(), HEARTBEAT_SECONDS * 1_000)
    const [client = 0, linkPort = 0, admin = 0] = await freePorts(3)
    const ports = { client, link: linkPort, admin }
    const relay = singleThreadedRelay(store, ports)
    await relay.start()
    const expiryMinutes = (minutesOf(epochNow()) + 60) & 0xffff
    const route = { cluster: 1, transceiver: 1, session: 1, expiryMinutes, flags: 0 }
    const ufrag = mintUfrag(route, ROUTE_KEYS)
    const victim = await Victim.call({ address: '127.0.0.1', port: client }, ufrag)
    return new Arena({ store, heart, transceiver, relay, victim }, ufrag, ports)
  }

  private constructor(parts: Parts, ufrag: string, ports: RelayPorts) {
    this.#parts = parts
    this.ufrag = ufrag
    this.#ports = ports
  }

  /** Lets the victim talk undisturbed, and then through an attack. */
  async assault(attack: Attack, force: Force): Promise<Assault> {
    const { intensity = 1 } = attack
    const packets = force.packets * intensity
    const perSecond = force.perSecond * intensity
    if (this.#counts['firsthop_relay_flows'] === undefined) await this.#countsSince()
    const quiet = await this.#parts.victim.talk(force.quietMillis)
    const port = attack.target === 'link' ? this.#ports.link : this.#ports.client
    const order: FloodOrder = { attack, to: { address: '127.0.0.1', port }, packets, perSecond }
    const thread = new Worker(new URL('flood-thread.ts', import.meta.url), { workerData: order })
    const talking = this.#parts.victim.talk((packets / perSecond) * 1_000)
    const [flooded, [report]] = await Promise.all([
      talking,
      once(thread, 'message') as Promise<[FloodReport]>,
    ])
    const counts = await this.#countsSince()
    const forwarded = counts['firsthop_relay_forwarded_packets_total{direction="uplink"}'] ?? 0
    return {
      ...report,
      quiet,
      flooded,
      dropsByReason: dropsAmong(counts),
      forwarded: forwarded - quiet.sent - flooded.sent,
      amplification: report.receivedBytes / report.sentBytes,
    }
  }

  /** The flows that the relay keeps. */
  async flows(): Promise<number> {
    return (await metricsAt(this.#ports.admin))['firsthop_relay_flows'] ?? NaN
  }

  /** What the relay's process has in memory; 0 where the system does not say. */
  residentBytes(): number {
    if (process.platform !== 'linux') return 0
    const status = readFileSync(`/proc/${this.#parts.relay.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024
  }

  async close(): Promise<void> {
    const { store, heart, transceiver, relay, victim } = this.#parts
    clearInterval(heart)
    await victim.close()
    await relay.kill()
    await transceiver.terminate()
    await store.close()
  }

  /** What the relay has counted since the last call. Threads report once a second: it is waited for that long. */
  async #countsSince(): Promise<Record<string, number>> {
    await new Promise((resolve) => setTimeout(resolve, COUNTS_AGE))
    const before = this.#counts
    this.#counts = await metricsAt(this.#ports.admin)
    return Object.fromEntries(
      Object.entries(this.#counts).map(([name, value]) => [name, value - (before[name] ?? 0)]),
    )
  }
}

/** The drops among some counts, by reason; `kernel` is what the system had no room for. */
function dropsAmong(counts: Readonly<Record<string, number>>): Record<string, number> {
  const drops: Record<string, number> = {}
  for (const [name, value] of Object.entries(counts)) {
    const [, reason] = /^firsthop_relay_(?:drops|tcp_ends)_total\{reason="(.+)"\}$/.exec(name) ?? []
    if (value > 0 && reason !== undefined) drops[reason] = value
  }
  const kernel = counts['firsthop_relay_kernel_drops_total'] ?? 0
  return kernel > 0 ? { ...drops, kernel } : drops
}

interface Parts {
  readonly store: LocalStore
  readonly heart: NodeJS.Timeout
  readonly transceiver: Worker
  readonly relay: Child
  readonly victim: Victim
}

function singleThreadedRelay(store: LocalStore, ports: RelayPorts): Child {
  const own = {
    UPSTASH_REDIS_REST_URL: store.url,
    FIRSTHOP_TCP_PORTS: String(ports.client),
    // The worst case for the victim, and one budget for each network.
    FIRSTHOP_THREADS: '1',
  }
  return relayProcess(relayEnvironment(ports, own))
}

const COUNTS_AGE = 1_200
