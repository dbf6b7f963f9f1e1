/**
 * The fleet as one isolate knows it: a snapshot of the registry, read at most every few seconds.
 *
 * A call never waits for a read while there is a snapshot that the last read has confirmed or that the store,
 * being down, cannot better. Requests share one read; each waits for it with a timer of its own, because Workers
 * end a request's I/O with the request and a shared read may then never settle.
 */

import type { FleetSnapshot } from '#shared/fleet/snapshot'
import { FleetView } from '#shared/fleet/view'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import type { Store } from '#shared/platform/store'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'

/** Keeps a request's work alive after its answer: `ExecutionContext.waitUntil`. */
export type KeepAlive = (work: Promise<unknown>) => void

export class Fleet {
  readonly #store: Store
  readonly #log: Log
  readonly #view = new FleetView()
  #reading: { readonly done: Promise<void>; readonly until: Millis } | undefined
  #nextReadAt = millisOf(-Infinity)
  #staleAt = millisOf(-Infinity)
  #renewableAt = millisOf(-Infinity)

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Returns the fleet as far as it is known; `undefined` when it could never be read. */
  async snapshot(keepAlive: KeepAlive): Promise<FleetSnapshot | undefined> {
    const done = this.prepare(keepAlive)
    if (done && monotonicNow() >= this.#staleAt) await orLongEnough(done)
    return this.#view.snapshot
  }

  /** Reads the fleet if that is due, so that who asks for it in a moment need not wait; returns the read under way. */
  prepare(keepAlive: KeepAlive): Promise<void> | undefined {
    const now = monotonicNow()
    return now < this.#nextReadAt ? undefined : this.#startReading(now, keepAlive)
  }

  /**
   * Reads the fleet before that is due, since what is known has proved wrong; `undefined` when the last read is too
   * recent for another.
   */
  async renew(keepAlive: KeepAlive): Promise<FleetSnapshot | undefined> {
    const now = monotonicNow()
    if (!this.#reading && now < this.#renewableAt) return undefined
    await orLongEnough(this.#startReading(now, keepAlive))
    return this.#view.snapshot
  }

  /** Joins the read that is under way, or starts one. */
  #startReading(now: Millis, keepAlive: KeepAlive): Promise<void> {
    if (!this.#reading || now >= this.#reading.until) {
      this.#reading = { done: this.#read(), until: millisOf(now + READ_WAIT) }
    }
    const { done } = this.#reading
    keepAlive(done)
    return done
  }

  async #read(): Promise<void> {
    try {
      const { relays, transceivers } = this.#view.handleRecords(await this.#store.readFleet(), epochNow())
      const isComplete = relays.length > 0 && transceivers.length > 0
      this.#keepFor(isComplete ? FRESH : FRESH_WHEN_INCOMPLETE, isComplete ? USABLE : 0)
    } catch (error) {
      this.#view.handleFailure(epochNow())
      this.#keepFor(FRESH, this.#view.snapshot ? USABLE : 0)
      this.#log.warn('The fleet cannot be read', { error: error as Error })
    }
    this.#reading = undefined
  }

  #keepFor(fresh: number, usable: number): void {
    const now = monotonicNow()
    this.#nextReadAt = millisOf(now + fresh)
    this.#staleAt = millisOf(now + usable)
    this.#renewableAt = millisOf(now + RENEWABLE)
  }
}

/** Waits for a read, but no longer than one can take: another request's may never settle. */
async function orLongEnough(read: Promise<void>): Promise<void> {
  await Promise.race([read, new Promise((resolve) => setTimeout(resolve, READ_WAIT))])
}

/** How long a snapshot is not read again: a node that comes or goes is known after this and one heartbeat. */
const FRESH = 3_000

/** The same while relays or transceivers are missing, when nothing is lost by looking again. */
const FRESH_WHEN_INCOMPLETE = 250

/** After this one that has proved wrong may be read again: while every node refuses, calls ask the store no oftener. */
const RENEWABLE = 1_000

/** How long a snapshot is used while the next one is being read; after a longer pause a request waits for it. */
const USABLE = 15_000

/** A little more than the store's own timeout. */
const READ_WAIT = 2_500
