/**
 * Writes bindings to the store and removes them, a command of each kind at a time: docs/recovery.md.
 *
 * What waits is the latest word about each client. A command that fails leaves its rows waiting; too many of them
 * are given up, for the flows that they belong to are told of again.
 */

import type { BindingStore } from '#shared/platform/binding-store'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import { repeat } from '#shared/platform/repeat'
import type { Repetition } from '#shared/platform/repeat'
import { epochSecondsOf } from '#shared/time'
import { bindingValue } from '../core/binding-row.ts'
import { RETELL_INTERVAL } from '../core/flow-table.ts'

/** The rows of one process on their way to the store. */
export class BindingWriter {
  /** Commands sent, those that failed included; rows given up because too many waited. */
  writes = 0
  removes = 0
  failures = 0
  overflows = 0
  readonly #store: BindingStore
  /** Route words by field. */
  readonly #toWrite = new Map<string, number>()
  readonly #toRemove = new Map<string, true>()
  readonly #flushing: Repetition
  #removeAt = monotonicNow() + REMOVE_INTERVAL

  constructor(store: BindingStore, log: Log) {
    this.#store = store
    this.#flushing = repeat({
      task: () => this.#flush(),
      intervalMillis: WRITE_INTERVAL,
      onFailed: (error) => log.warn('Bindings do not reach the store; they wait', { error }),
      onRecovered: () => log.info('Bindings reach the store again'),
    })
  }

  /** Has a row written, with a whole life before it. */
  write(field: string, route: number): void {
    this.#toRemove.delete(field)
    this.#keep(this.#toWrite, field, route)
  }

  /** Has a row removed, some time. */
  remove(field: string): void {
    this.#toWrite.delete(field)
    this.#keep(this.#toRemove, field, true)
  }

  /** Tells whether a row that the store may still have is to be removed. */
  isRemoved(field: string): boolean {
    return this.#toRemove.has(field)
  }

  /** Sends what waits, and ends. Never rejects. */
  async stop(): Promise<void> {
    await this.#flushing.stop()
    this.#removeAt = monotonicNow()
    await this.#flush().catch(() => {})
  }

  async #flush(): Promise<void> {
    if (this.#toWrite.size > 0) await this.#flushWrites(takeSome(this.#toWrite, MAX_FIELDS))
    if (this.#toRemove.size === 0 || monotonicNow() < this.#removeAt) return
    await this.#flushRemovals(takeSome(this.#toRemove, MAX_FIELDS))
    this.#removeAt = monotonicNow() + REMOVE_INTERVAL
  }

  async #flushWrites(routes: ReadonlyMap<string, number>): Promise<void> {
    const expiresAt = epochSecondsOf(epochNow() + BINDING_SECONDS)
    const rows = new Map([...routes].map(([field, route]) => [field, bindingValue(route, expiresAt)]))
    this.writes++
    await this.#store.write(rows).catch((error: Error) => {
      this.failures++
      for (const [field, route] of routes) {
        if (!this.#isWaiting(field)) this.#keep(this.#toWrite, field, route)
      }
      throw error
    })
  }

  async #flushRemovals(fields: ReadonlyMap<string, true>): Promise<void> {
    this.removes++
    await this.#store.remove([...fields.keys()]).catch((error: Error) => {
      this.failures++
      for (const field of fields.keys()) if (!this.#isWaiting(field)) this.#keep(this.#toRemove, field, true)
      throw error
    })
  }

  #isWaiting(field: string): boolean {
    return this.#toWrite.has(field) || this.#toRemove.has(field)
  }

  #keep<Value>(map: Map<string, Value>, field: string, value: Value): void {
    if (map.size < MAX_WAITING || map.has(field)) map.set(field, value)
    else this.overflows++
  }
}

/** Takes out the first entries of `map`, `most` at most. */
export function takeSome<Value>(map: Map<string, Value>, most: number): Map<string, Value> {
  const taken = new Map<string, Value>()
  for (const [field, value] of map) {
    if (taken.size === most) break
    taken.set(field, value)
    map.delete(field)
  }
  return taken
}

/** How long a written binding holds: twice the interval at which a flow that lives on is told of again. */
export const BINDING_SECONDS = (2 * RETELL_INTERVAL) / 1_000

/** Rows are written together, this often at most. */
export const WRITE_INTERVAL = 1_000

/** Rows are removed together, this often at most: a row that stays too long does no harm. */
export const REMOVE_INTERVAL = 60_000

/** Bound on the fields of one command, some 200 KB. */
export const MAX_FIELDS = 4_096

/** Bound on rows to write and on rows to remove: half of what a relay has flows. */
const MAX_WAITING = 65_536
