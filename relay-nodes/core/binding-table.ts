/**
 * The flows that the threads of this process have bound lately, so that one thread finds the flows of another
 * without asking the store: docs/recovery.md.
 *
 * A cache, not a registry: nobody tells it of flows that fall silent. When it is full, the one that was told of
 * the longest ago gives way.
 */

import { EndpointTable } from '#shared/endpoint-table'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'

/** Route words by client; every `at` is the index of a client's first word. */
export class BindingTable {
  readonly #table: EndpointTable
  readonly #routes: Int32Array

  /** `hashKey` is random, so that nobody can choose addresses that collide. */
  constructor(capacity: number, hashKey: readonly [number, number]) {
    this.#table = new EndpointTable(capacity, hashKey)
    this.#routes = new Int32Array(capacity)
  }

  get size(): number {
    return this.#table.size
  }

  /** Enters a client's route over its former one. */
  enter(words: Int32Array, at: number, route: number, now: Millis): void {
    if (this.#table.size === this.#table.capacity) this.#table.expire(millisOf(Infinity), () => {}, 1)
    this.#routes[this.#table.insert(words, at, SCOPE, now)] = route
  }

  /** Removes a client. */
  remove(words: Int32Array, at: number): void {
    const slot = this.#table.find(words, at, SCOPE)
    if (slot >= 0) this.#table.remove(slot)
  }

  /** Returns a client's route; `undefined` if it is not here. */
  find(words: Int32Array, at: number): number | undefined {
    const slot = this.#table.find(words, at, SCOPE)
    return slot < 0 ? undefined : this.#routes[slot]
  }
}

/** All flows of a relay are in one scope. */
const SCOPE = 0
