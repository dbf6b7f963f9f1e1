/** One media thread's place: its socket and its number, which outlive the thread, and the commands under way to it. */

import type { Worker } from 'node:worker_threads'
import { monotonicNow } from '#shared/platform/clock'
import type { SocketHandle } from '#shared/platform/udp-socket'
import { LeftGoodbyes } from '../core/goodbye-slab.ts'
import { sumCounts } from './media-commands.ts'
import type { MediaCommands, MediaCounts } from './media-commands.ts'
import type { MessageFromMedia, MessageToMedia } from './media-messages.ts'
import type { SidebandNotice } from './sideband-desk.ts'

/** What is heard of a thread beside its answers. */
export interface SeatEvents {
  readonly onRefreshFleet: () => void
  /** It has ended its calls and is about to exit. */
  readonly onDying: (error: string) => void
  readonly onSideband: (notice: SidebandNotice) => void
  readonly onExit: () => void
}

/** A seat, with or without a thread on it. */
export class MediaSeat {
  readonly index: number
  readonly socket: SocketHandle
  worker: Worker | undefined
  takenAt = 0
  /** What the thread counted at most a second ago. */
  counts: MediaCounts = sumCounts([])
  /** The sidebands of its calls. */
  readonly sidebands = new Set<number>()
  #goodbyes: SharedArrayBuffer | undefined
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  /** Calls placed since the last counts. */
  #placedSince = 0
  #askedAt = 0

  constructor(index: number, socket: SocketHandle) {
    this.index = index
    this.socket = socket
  }

  /** Sessions on this thread, as far as is known. */
  get sessions(): number {
    return this.counts.active + this.#placedSince
  }

  /** What the thread, which is dead, has counted, with the calls that it was given since. */
  get lastCounts(): MediaCounts {
    return { ...this.counts, active: this.sessions, placed: this.counts.placed + this.#placedSince }
  }

  /** Tells whether the thread owes an answer since before `moment`. */
  isSilentSince(moment: number): boolean {
    return this.#askedAt > 0 && this.#askedAt < moment
  }

  /** Puts a loaded thread on the seat, which keeps the goodbyes of its sessions in `goodbyes`. */
  take(worker: Worker, goodbyes: SharedArrayBuffer, events: SeatEvents): void {
    this.worker = worker
    this.#goodbyes = goodbyes
    this.takenAt = monotonicNow()
    worker.on('message', (message: MessageFromMedia) => this.#handleMessage(message, events))
    // What it dies of is told by `dying`, unless it had no time to.
    worker.on('error', (error: Error) => events.onDying(error.message))
    worker.on('exit', () => events.onExit())
  }

  /** Takes what the thread, which is dead or as good as dead, has left to be said; the second time, nothing. */
  takeGoodbyes(): LeftGoodbyes {
    const left = new LeftGoodbyes(this.#goodbyes ?? new SharedArrayBuffer(0))
    this.#goodbyes = undefined
    return left
  }

  /** Takes the dead thread from the seat; commands under way to it have no answer. */
  clear(): void {
    this.worker = undefined
    this.counts = sumCounts([])
    this.#placedSince = 0
    this.#askedAt = 0
    this.sidebands.clear()
    for (const { resolve } of this.#waiting.values()) resolve(undefined)
    this.#waiting.clear()
  }

  /** Gives a command; resolves to the answer, or to undefined when there is no thread to give it, and rejects when it failed. */
  async ask<Name extends keyof MediaCommands>(
    name: Name,
    ...[argument]: Parameters<MediaCommands[Name]>
  ): Promise<ReturnType<MediaCommands[Name]> | undefined> {
    if (this.worker === undefined) return undefined
    if (name === 'place') this.#placedSince++
    const id = ++this.#lastId
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.post({ type: 'command', id, name, argument })
    return (await answer.promise) as ReturnType<MediaCommands[Name]> | undefined
  }

  /** Asks for the counts, unless that is under way. */
  async refreshCounts(): Promise<void> {
    if (this.#askedAt > 0) return
    this.#askedAt = monotonicNow()
    const before = this.#placedSince
    const counts = await this.ask('counts')
    this.#askedAt = 0
    if (counts === undefined) return
    this.counts = counts
    this.#placedSince -= before
  }

  /** Sends a message, if there is a thread. */
  post(message: MessageToMedia): void {
    this.worker?.postMessage(message)
  }

  #handleMessage(message: MessageFromMedia, events: SeatEvents): void {
    if (message.type === 'refresh-fleet') events.onRefreshFleet()
    if (message.type === 'dying') events.onDying(message.error)
    if (message.type === 'sideband-event' || message.type === 'sideband-end') events.onSideband(message)
    if (message.type === 'answer') this.#settle(message.id)?.resolve(message.value)
    if (message.type === 'failure') this.#settle(message.id)?.reject(new Error(message.message))
  }

  #settle(id: number): PromiseWithResolvers<unknown> | undefined {
    const answer = this.#waiting.get(id)
    this.#waiting.delete(id)
    return answer
  }
}
