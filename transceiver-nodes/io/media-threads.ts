/**
 * The media threads of a transceiver, seen from the main one: docs/transceiver.md, "Threads".
 *
 * The main thread opens every link socket, once, and the threads only use them. So a thread that dies takes its
 * calls with it and nothing else: a spare that has everything loaded sits down on its socket and under its id.
 */

import type { CallDescription } from '#shared/control/call-description'
import type { PlaceCallRequest, PlaceCallResponse } from '#shared/control/messages'
import type { SidebandFault } from '#shared/control/sideband'
import type { Endpoint } from '#shared/endpoint'
import type { RelayRecord } from '#shared/fleet/record'
import { monotonicNow } from '#shared/platform/clock'
import * as libc from '#shared/platform/libc'
import type { Log } from '#shared/platform/log'
import { SpareWorkers } from '#shared/platform/spare-workers'
import { openSocket } from '#shared/platform/udp-socket'
import type { SocketHandle } from '#shared/platform/udp-socket'
import type { DtlsCertificate } from '../crypto/certificate.ts'
import type { Listener } from '../core/audience.ts'
import { GoodbyeSlab } from '../core/goodbye-slab.ts'
import { LINK_BUFFER_BYTES } from './link-port.ts'
import type { PlaceCallFault, RestartIceOrder, RestartIceResult } from './calls.ts'
import { sendGoodbyes } from './goodbye-sender.ts'
import { countsOfDead, sumCounts } from './media-commands.ts'
import type { MediaCounts } from './media-commands.ts'
import { MediaSeat } from './media-seat.ts'
import type { Media, Sideband } from './media.ts'
import { SidebandHub } from './sideband-hub.ts'

/** What the threads are started with. */
export interface MediaThreadsOptions {
  /** One for each thread. */
  readonly links: readonly Endpoint[]
  /** Sessions admitted at once, by all of them. */
  readonly capacity: number
  readonly certificate: DtlsCertificate
  /** Tells which thread a call id belongs to, by its place among `links`. */
  readonly threadOf: (callId: string) => number | undefined
  readonly refreshFleet: () => void
  /** The configuration that each of them reads for itself. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** The threads of a transceiver at work. */
export class MediaThreads implements Media {
  readonly #options: MediaThreadsOptions
  readonly #spares: SpareWorkers
  readonly #seats: readonly MediaSeat[]
  readonly #timer: NodeJS.Timeout
  readonly #hub = new SidebandHub()
  #relays: readonly RelayRecord[] = []
  /** What threads that have died had counted. */
  #former: MediaCounts[] = []
  #deaths = 0
  #goodbyes = 0
  readonly #stopping = new AbortController()

  private constructor(options: MediaThreadsOptions, sockets: readonly SocketHandle[]) {
    this.#options = options
    this.#seats = sockets.map((socket, index) => new MediaSeat(index, socket))
    this.#spares = new SpareWorkers(sockets.length, new URL('./media-thread.ts', import.meta.url), {
      env: { ...options.environment },
    })
    this.#timer = setInterval(() => void this.#refreshCounts(), COUNT_INTERVAL)
  }

  /** Opens every socket and starts every thread; rejects with a `SocketError`, nothing left open. */
  static async start(options: MediaThreadsOptions): Promise<MediaThreads> {
    const threads = new MediaThreads(options, openSockets(options.links))
    try {
      await Promise.all(threads.#seats.map((seat) => threads.#seat(seat)))
      threads.#spares.add()
      return threads
    } catch (error) {
      await threads.close()
      throw error
    }
  }

  get threads(): number {
    return this.#seats.filter(({ worker }) => worker !== undefined).length
  }

  get deaths(): number {
    return this.#deaths
  }

  get goodbyes(): number {
    return this.#goodbyes
  }

  get counts(): MediaCounts {
    const counts = sumCounts([...this.#former, ...this.#seats.map((seat) => seat.counts)])
    // A drain that did not know of the calls of the last second would not wait for them.
    return { ...counts, active: this.#seats.reduce((sessions, seat) => sessions + seat.sessions, 0) }
  }

  async place(request: PlaceCallRequest): Promise<PlaceCallResponse | PlaceCallFault> {
    const seat = this.#seatWithRoom()
    if (seat === undefined) return 'node-full'
    // A thread that dies meanwhile has no room either.
    return (await seat.ask('place', request)) ?? 'node-full'
  }

  async hangUp(callId: string): Promise<boolean> {
    const seat = this.#seats[this.#options.threadOf(callId) ?? -1]
    return (await seat?.ask('hangUp', callId)) ?? false
  }

  async restartIce(order: RestartIceOrder): Promise<RestartIceResult> {
    const seat = this.#seats[this.#options.threadOf(order.callId) ?? -1]
    return (await seat?.ask('restartIce', order)) ?? 'call-unknown'
  }

  async describe(callId: string): Promise<CallDescription | undefined> {
    const seat = this.#seats[this.#options.threadOf(callId) ?? -1]
    return seat?.ask('describe', callId)
  }

  async attach(callId: string, listener: Listener): Promise<Sideband | SidebandFault> {
    const seat = this.#seats[this.#options.threadOf(callId) ?? -1]
    if (seat === undefined) return 'call-unknown'
    const id = this.#hub.open(listener)
    const outcome = (await seat.ask('attach', { id, callId })) ?? 'call-unknown'
    if (outcome !== 'attached') {
      this.#hub.close(id)
      return outcome
    }
    seat.sidebands.add(id)
    const close = () => {
      seat.sidebands.delete(id)
      this.#hub.close(id)
      void seat.ask('detach', id)
    }
    return { send: (text) => void seat.ask('handleSideband', { id, text }), close }
  }

  async drain(millis: number): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.ask('drain', millis)))
  }

  async endAll(reason: string): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.ask('endAll', reason)))
  }

  handleRelays(relays: readonly RelayRecord[]): void {
    this.#relays = relays
    for (const seat of this.#seats) void seat.ask('handleRelays', relays)
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#timer)
    await Promise.all([this.#spares.stop(), ...this.#seats.map((seat) => seat.worker?.terminate())])
    for (const { socket } of this.#seats) libc.close(socket.descriptor)
  }

  /** Has one thread throw, as a bug would. */
  crashThread(index: number): void {
    this.#seats[index]?.post({ type: 'crash' })
  }

  /** Has one thread stop where it is, as an endless loop would. */
  hangThread(index: number): void {
    this.#seats[index]?.post({ type: 'hang' })
  }

  /** Has one thread use up its heap, of which Node gives each thread one of its own. */
  exhaustThread(index: number): void {
    this.#seats[index]?.post({ type: 'exhaust' })
  }

  /** Kills one thread as a fault in native code or a lack of memory would. */
  async killThread(index: number): Promise<void> {
    await this.#seats[index]?.worker?.terminate()
  }

  /** The seat with the fewest sessions, of those that are not full; one that is too busy will say so itself. */
  #seatWithRoom(): MediaSeat | undefined {
    const open = this.#seats.filter(
      (seat) => seat.worker !== undefined && seat.sessions < this.#capacityOfSeat,
    )
    return open.toSorted((a, b) => a.sessions - b.sessions || a.counts.load - b.counts.load)[0]
  }

  get #capacityOfSeat(): number {
    return Math.ceil(this.#options.capacity / this.#seats.length)
  }

  /** Puts a spare on a seat. */
  async #seat(seat: MediaSeat): Promise<void> {
    const worker = await this.#spares.take()
    const goodbyes = new SharedArrayBuffer(GoodbyeSlab.bytesFor(this.#capacityOfSeat))
    seat.take(worker, goodbyes, {
      onRefreshFleet: this.#options.refreshFleet,
      onDying: (error) =>
        this.#options.log.error('A media thread failed and has ended its calls', {
          thread: seat.index,
          error,
        }),
      onSideband: (notice) => this.#hub.handleNotice(notice),
      onExit: () => this.#handleExit(seat),
    })
    const { certificate } = this.#options
    seat.post({
      type: 'serve',
      index: seat.index,
      capacity: this.#capacityOfSeat,
      certificate,
      socket: seat.socket,
      goodbyes,
    })
    await seat.ask('handleRelays', this.#relays)
  }

  #handleExit(seat: MediaSeat): void {
    if (this.#stopping.signal.aborted) return
    this.#deaths++
    this.#sayGoodbyes(seat)
    this.#former = [sumCounts([...this.#former, countsOfDead(seat.lastCounts, 'thread-died')])]
    for (const id of seat.sidebands) {
      this.#hub.handleNotice({ type: 'sideband-end', id, reason: 'thread-died' })
    }
    const wait = monotonicNow() - seat.takenAt < MIN_LIFE ? MIN_LIFE : 0
    seat.clear()
    this.#options.log.warn('A media thread has died; another takes its place', { thread: seat.index })
    if (wait === 0) this.#reseat(seat)
    else setTimeout(() => this.#reseat(seat), wait)
  }

  /** Tells the clients of a thread that cannot. */
  #sayGoodbyes(seat: MediaSeat): void {
    const left = seat.takeGoodbyes()
    this.#goodbyes += left.slots.length
    void sendGoodbyes(left, seat.socket, this.#stopping.signal)
  }

  #reseat(seat: MediaSeat): void {
    if (this.#stopping.signal.aborted) return
    this.#seat(seat)
      .then(() => this.#spares.add())
      .catch((error: Error) => this.#options.log.error('A media thread is missing', { error }))
  }

  async #refreshCounts(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => this.#refreshSeat(seat)))
  }

  /** A thread that does not answer for long serves nobody either. */
  async #refreshSeat(seat: MediaSeat): Promise<void> {
    if (seat.isSilentSince(monotonicNow() - MAX_SILENCE)) {
      this.#options.log.error('A media thread does not answer and is ended', { thread: seat.index })
      // At once: one that is stuck in native code ends only when that returns, if ever.
      this.#sayGoodbyes(seat)
      await seat.worker?.terminate()
    } else {
      await seat.refreshCounts()
    }
  }
}

function openSockets(links: readonly Endpoint[]): SocketHandle[] {
  const sockets: SocketHandle[] = []
  try {
    for (const bind of links) sockets.push(openSocket({ bind, bufferBytes: LINK_BUFFER_BYTES }))
    return sockets
  } catch (error) {
    for (const { descriptor } of sockets) libc.close(descriptor)
    throw error
  }
}

/** How often the threads are asked for their counts. */
const COUNT_INTERVAL = 1_000
/** A thread that answers nothing for so long is stuck. */
const MAX_SILENCE = 10_000
/** A thread that dies sooner is replaced only after this time, so that a fault at the start does not spin. */
const MIN_LIFE = 1_000
