/**
 * The threads of a relay, seen from the main one: docs/relay.md.
 *
 * The main thread opens every socket, once, and the threads only use them. So when a thread dies its sockets go
 * on filling, no flow is hashed anew, and a spare that has everything loaded takes over within milliseconds;
 * then the next spare starts. Flows that the new thread does not know it asks about like any other.
 */

import type { Worker } from 'node:worker_threads'
import type { Endpoint } from '#shared/endpoint'
import { monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import * as libc from '#shared/platform/libc'
import type { SpareWorkers } from '#shared/platform/spare-workers'
import { openSocket } from '#shared/platform/udp-socket'
import type { Upstream } from '../core/upstreams.ts'
import { openSpareThreads } from './spare-threads.ts'
import type { ThreadConfig } from './thread-config.ts'
import { THREAD_COUNTS, ThreadCounts } from './thread-counts.ts'
import type { MessageFromThread, MessageToThread, ServeMessage } from './thread-messages.ts'

export interface RelayThreadsOptions {
  readonly relay: ThreadConfig
  /** Client ports, in the order of their listeners; every thread binds each of them. */
  readonly clients: readonly Endpoint[]
  /** One link for each thread. */
  readonly links: readonly Endpoint[]
  /** Pins each thread to a processor of its own. */
  readonly pins: boolean
  /** The fleet's transceivers, and flows to know before the first packet is read. */
  readonly upstreams: readonly Upstream[]
  readonly flowRecords: Int32Array
  /** Takes what a thread tells and asks about flows; `reply` answers that thread. */
  readonly onRecords: (records: Int32Array, reply: (records: Int32Array) => void) => void
  /** Threads that load already, one for each link; absent: they begin now. */
  readonly spares?: SpareWorkers | undefined
  readonly log: Log
}

/** The threads of a relay at work. */
export class RelayThreads {
  readonly #options: RelayThreadsOptions
  readonly #seats: Seat[] = []
  /** What threads that have died had counted. */
  readonly #former = new ThreadCounts()
  readonly #spares: SpareWorkers
  #upstreams: readonly Upstream[]
  #deaths = 0
  #isStopping = false

  private constructor(options: RelayThreadsOptions) {
    this.#options = options
    this.#spares = options.spares ?? openSpareThreads(options.links.length, options.relay)
    this.#upstreams = plainUpstreams(options.upstreams)
  }

  /** Opens every socket and starts every thread; rejects with a `SocketError`, nothing left open. */
  static async start(options: RelayThreadsOptions): Promise<RelayThreads> {
    const threads = new RelayThreads(options)
    try {
      for (const [index, link] of options.links.entries()) threads.#open(index, link)
      // All of them load at once: every call of a relay that has restarted waits for its thread.
      await Promise.all(threads.#seats.map((seat) => threads.#seat(seat, options.flowRecords)))
      threads.#spares.add()
      return threads
    } catch (error) {
      await threads.stop()
      throw error
    }
  }

  /** The smallest receive buffer that the kernel granted. */
  get receiveBufferBytes(): number {
    const handles = this.#seats.flatMap(({ sockets }) => [...sockets.clients, sockets.link])
    return Math.min(...handles.map((handle) => handle.receiveBufferBytes))
  }

  /** How many threads have died and been replaced. */
  get deaths(): number {
    return this.#deaths
  }

  /** What all threads have counted, at most a second old. */
  counts(): ThreadCounts {
    const sum = new ThreadCounts()
    sum.add(flatten(this.#former), false)
    for (const seat of this.#seats) sum.add(seat.counts, true)
    return sum
  }

  /** Gives every thread the fleet's transceivers. */
  handleUpstreams(upstreams: readonly Upstream[]): void {
    this.#upstreams = plainUpstreams(upstreams)
    for (const seat of this.#seats) seat.post({ type: 'upstreams', upstreams: this.#upstreams })
  }

  /** Gives every thread records that none of them asked for. */
  broadcastRecords(records: Int32Array): void {
    for (const seat of this.#seats) seat.post({ type: 'records', records })
  }

  /** Ends every thread and closes every socket. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all([this.#spares.stop(), ...this.#seats.map((seat) => seat.worker?.terminate())])
    for (const { sockets } of this.#seats) {
      for (const { descriptor } of [...sockets.clients, sockets.link]) libc.close(descriptor)
    }
  }

  /** Kills one thread as a crash would, for those who want to see what happens. */
  async killThread(index: number): Promise<void> {
    await this.#seats[index]?.worker?.terminate()
  }

  #open(index: number, link: Endpoint): void {
    // Two relays that share a port by mistake would each get half of every client's packets.
    if (index === 0) for (const bind of this.#options.clients) demandFree(bind)
    const clients = this.#options.clients.map((bind) =>
      openSocket({ bind, reusePort: true, bufferBytes: BUFFER_BYTES }),
    )
    this.#seats.push(
      new Seat(index, { clients, link: openSocket({ bind: link, bufferBytes: BUFFER_BYTES }) }),
    )
  }

  /** Puts a spare on a seat. */
  async #seat(seat: Seat, flowRecords?: Int32Array): Promise<void> {
    const worker = await this.#spares.take()
    seat.take(worker)
    worker.on('message', (message: MessageFromThread) => {
      if (message.type === 'records') this.#options.onRecords(message.records, seat.reply)
    })
    worker.on('error', (error: Error) => this.#options.log.error('A relay thread failed', { error }))
    worker.on('exit', () => this.#handleExit(seat))
    const processor = this.#options.pins ? seat.index : undefined
    const counts = seat.counts.buffer as SharedArrayBuffer
    const { sockets } = seat
    seat.post({ type: 'serve', sockets, counts, processor, upstreams: this.#upstreams, flowRecords })
  }

  #handleExit(seat: Seat): void {
    if (this.#isStopping) return
    this.#deaths++
    this.#former.add(seat.counts, false)
    seat.clear()
    this.#options.log.warn('A relay thread has died; another takes its place', { thread: seat.index })
    const wait = monotonicNow() - seat.takenAt < MIN_LIFE ? MIN_LIFE : 0
    if (wait === 0) this.#reseat(seat)
    else setTimeout(() => this.#reseat(seat), wait)
  }

  #reseat(seat: Seat): void {
    if (this.#isStopping) return
    this.#seat(seat)
      .then(() => this.#spares.add())
      .catch((error: Error) => this.#options.log.error('A relay thread is missing', { error }))
  }
}

/** One thread's place: its sockets and counts, which outlive the thread. */
class Seat {
  readonly index: number
  readonly sockets: ServeMessage['sockets']
  counts = newCounts()
  worker: Worker | undefined
  takenAt = 0

  constructor(index: number, sockets: ServeMessage['sockets']) {
    this.index = index
    this.sockets = sockets
  }

  take(worker: Worker): void {
    this.worker = worker
    this.takenAt = monotonicNow()
  }

  clear(): void {
    this.worker = undefined
    this.counts = newCounts()
  }

  post(message: MessageToThread): void {
    this.worker?.postMessage(message)
  }

  /** Answers the thread; always the same function, so that answers are gathered by it. */
  readonly reply = (records: Int32Array): void => this.post({ type: 'records', records })
}

/** What a thread needs of them: the rest of a record need not be copied to each. */
function plainUpstreams(upstreams: readonly Upstream[]): Upstream[] {
  return upstreams.map(({ cluster, transceiver, link }) => ({ cluster, transceiver, link }))
}

/** Throws a `SocketError` when somebody has the port, which `SO_REUSEPORT` alone would share. */
function demandFree(bind: Endpoint): void {
  libc.close(openSocket({ bind, bufferBytes: 0 }).descriptor)
}

function newCounts(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(THREAD_COUNTS * 8))
}

function flatten(counts: ThreadCounts): Float64Array {
  const { kernelDrops, refused, truncated, linkDatagrams } = counts
  return Float64Array.from([
    ...counts.counters,
    ...counts.drops,
    0,
    0,
    kernelDrops,
    refused,
    truncated,
    linkDatagrams,
  ])
}

/** A thread that dies sooner is replaced only after this time, so that a fault at the start does not spin. */
const MIN_LIFE = 1_000
/** Wanted size of kernel buffers: a tenth of a second at full speed. */
const BUFFER_BYTES = 8 * 1024 * 1024
