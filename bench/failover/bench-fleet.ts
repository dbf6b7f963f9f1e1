/**
 * Relays and a transceiver as processes of their own, a store, and light clients in real calls, on loopback.
 *
 * Calls are placed as the Worker does it: the fleet is read from the store, and the transceiver is asked under
 * the control key.
 */

import { toHex } from '#shared/bytes'
import type { RelayChoice } from '#shared/control/messages'
import { parseFleetRecord } from '#shared/fleet/record'
import type { FleetRecord, TransceiverRecord } from '#shared/fleet/record'
import { randomBytes } from '#shared/platform/crypto'
import { openStore } from '#shared/platform/store'
import { Child } from '../../scripts/start/child.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { Transceivers } from '../../workers/transceivers.ts'
import { UdpClients } from '../client/udp-clients.ts'
import { Arrivals, machineNow } from './arrivals.ts'
import type { NotedArrival } from './arrivals.ts'
import { startBenchStore } from './bench-store.ts'
import type { BenchStore } from './bench-store.ts'
import { RelayProcess } from './relay-process.ts'
import type { RelaySite } from './relay-process.ts'

/** A relay to be: where clients reach it, and how many threads it has. */
export interface RelayPlan extends Pick<RelaySite, 'vip' | 'bind' | 'threads'> {
  /** The ports, or how many free ones, two at most. */
  readonly clientPorts: readonly number[] | 1 | 2
}

/** A fleet at work. */
export class BenchFleet {
  readonly relays: readonly RelayProcess[]
  readonly clients: UdpClients
  readonly arrivals = new Arrivals()
  /** The reasons for which the transceiver has ended calls: none is due. */
  readonly endings: string[] = []
  readonly #store: BenchStore
  readonly #transceiver: Child
  readonly #control: Transceivers
  readonly #callById = new Map<string, number>()
  readonly #linkByCall: number[] = []

  private constructor(store: BenchStore, relays: readonly RelaySite[], ports: readonly number[]) {
    const controlKey = randomBytes(32)
    const environment = {
      UPSTASH_REDIS_REST_URL: store.url,
      UPSTASH_REDIS_REST_TOKEN: store.token,
      FIRSTHOP_ROUTE_KEYS: `0:${toHex(randomBytes(16))}`,
      FIRSTHOP_CONTROL_KEY: toHex(controlKey),
      FIRSTHOP_REGION: 'bench',
      FIRSTHOP_LATITUDE: '0',
      FIRSTHOP_LONGITUDE: '0',
    }
    this.#store = store
    this.#control = new Transceivers(controlKey)
    this.relays = relays.map((site, index) => new RelayProcess(index, site, environment))
    this.clients = new UdpClients((client) => this.arrivals.note(client, 'toClient', machineNow()))
    this.#transceiver = this.#openTransceiver(environment, ports)
  }

  /** Starts everything; resolves when calls can be placed. */
  static async start(plans: readonly RelayPlan[], keepsBindings = true): Promise<BenchFleet> {
    const ports = await freePorts(3 + PORTS_PER_RELAY * plans.length)
    const sites = plans.map((plan, i) => siteOf(plan, ports.slice(3 + PORTS_PER_RELAY * i)))
    const fleet = new BenchFleet(await startBenchStore(keepsBindings), sites, ports)
    process.on('exit', fleet.#killAll)
    try {
      await Promise.all([...fleet.relays, fleet.#transceiver].map((child) => child.start()))
      return fleet
    } catch (error) {
      await fleet.stop()
      throw error
    }
  }

  /** Places calls, one after the other, so that their clients' checks are spread over time. */
  async placeCalls(count: number, apartMillis: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.#placeCall(i)
      await new Promise((resolve) => setTimeout(resolve, apartMillis))
    }
  }

  /** The index of the link, and with one relay of the thread, by which a call's packets reach the transceiver. */
  linkOf(call: number): number {
    return this.#linkByCall[call] ?? -1
  }

  /** The numbers of the calls. */
  get calls(): number[] {
    return [...this.#callById.values()]
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killAll)
    this.clients.close()
    await Promise.all([...this.relays.map((relay) => relay.kill()), this.#transceiver.kill()])
    await this.#store.close()
  }

  /** A run that is broken off leaves no process behind. */
  readonly #killAll = (): void => {
    for (const { pid } of [...this.relays, this.#transceiver]) {
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
    }
  }

  /** Places call number `index` with these relays in its answer, all there are if none are named; resolves to the answer. */
  async place(index: number, offer: string, relayIds?: readonly string[]): Promise<string> {
    const records = await this.#readFleet()
    const node = records.find((record): record is TransceiverRecord => record.kind === 'transceiver')
    const relays = records
      .flatMap((record): RelayChoice[] => (record.kind === 'relay' ? [record] : []))
      .filter(({ id }) => relayIds?.includes(id) ?? true)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, region, vips }) => ({ id, region, vips }))
    if (node === undefined) throw new Error('the transceiver is not in the store')
    const request = { requestId: `call-${index}`, offer, relays }
    const { callId, answer } = await this.#control.placeCall(node, request, CONTROL_WAIT)
    this.#callById.set(callId, index)
    return answer
  }

  /** The number of the call with this id. */
  callOf(callId: string): number | undefined {
    return this.#callById.get(callId)
  }

  async #placeCall(index: number): Promise<void> {
    const number = await this.clients.call((offer) => this.place(index, offer))
    if (number !== index) throw new Error('clients and calls are numbered alike')
  }

  async #readFleet(): Promise<FleetRecord[]> {
    const records = await openStore(this.#store).readFleet()
    return records.map(parseFleetRecord).filter((record) => typeof record !== 'string')
  }

  #openTransceiver(environment: Readonly<Record<string, string>>, ports: readonly number[]): Child {
    const [link = 0, control = 0, admin = 0] = ports
    const own = {
      FIRSTHOP_NODE_ID: 'transceiver-1',
      FIRSTHOP_CLUSTER: '1',
      FIRSTHOP_TRANSCEIVER: '1',
      FIRSTHOP_LINK: `127.0.0.1:${link}`,
      FIRSTHOP_THREADS: '1',
      FIRSTHOP_CONTROL: `127.0.0.1:${control}`,
      FIRSTHOP_CONTROL_URL: `http://127.0.0.1:${control}`,
      FIRSTHOP_ADMIN: `127.0.0.1:${admin}`,
    }
    return new Child(
      'transceiver',
      process.execPath,
      ['--import', './bench/failover/listening-transceiver.ts', 'transceiver-nodes/main.ts'],
      { ...environment, ...own },
      {
        readyUrl: `http://127.0.0.1:${admin}/readyz`,
        onLine: (_, line) => this.#handleLine(line),
        supervise: false,
      },
    )
  }

  #handleLine(line: string): void {
    const { arrivals = [], message, reason } = JSON.parse(line) as TransceiverLine
    if (message === 'A call ended') this.endings.push(reason ?? '')
    for (const [callId, link, at] of arrivals) {
      const call = this.#callById.get(callId)
      if (call === undefined) continue
      this.#linkByCall[call] = link
      this.arrivals.note(call, 'toTransceiver', at)
    }
  }
}

/** A line of the listening transceiver: of its ear, or of its log. */
interface TransceiverLine {
  readonly arrivals?: readonly NotedArrival[]
  readonly message?: string
  readonly reason?: string
}

function siteOf(
  { clientPorts, ...plan }: RelayPlan,
  [link = 0, admin = 0, ...free]: readonly number[],
): RelaySite {
  const taken = typeof clientPorts === 'number' ? free.slice(0, clientPorts) : clientPorts
  return { ...plan, clientPorts: taken, linkPort: link, adminPort: admin }
}

/** For its link and its metrics, and two for clients. */
const PORTS_PER_RELAY = 4
const CONTROL_WAIT = 5_000
