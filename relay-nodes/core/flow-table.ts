/**
 * Which transceiver a client's packets go to: entered by the transceiver (BIND), never by a client.
 *
 * A flow is one client endpoint at one of this relay's ports. It lives for as long as its transceiver keeps
 * sending to that client; what the client sends does not prolong it, so neither a client that will not stop
 * nor a spoofed source can hold a place in the table. docs/relay.md, flow lifetime.
 */

import { EndpointTable } from '#shared/endpoint-table'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { MAX_UPSTREAMS } from './upstreams.ts'

/** What came of a BIND: `held` and `full` changed nothing. */
export type BindOutcome = 'bound' | 'refreshed' | 'moved' | 'held' | 'full'

/** Flows by client endpoint; every `at` is the index of a client's first word. */
export class FlowTable {
  readonly #table: EndpointTable
  readonly #upstreams: Int32Array
  /** When each flow was last told of, in whole seconds; -1: not yet. */
  readonly #toldAt: Int32Array
  readonly #flowsByUpstream = new Int32Array(MAX_UPSTREAMS)

  /** `hashKey` is random, so that nobody can choose addresses that collide. */
  constructor(maxFlows: number, hashKey: readonly [number, number]) {
    this.#table = new EndpointTable(maxFlows, hashKey)
    this.#upstreams = new Int32Array(maxFlows)
    this.#toldAt = new Int32Array(maxFlows)
  }

  get size(): number {
    return this.#table.size
  }

  get capacity(): number {
    return this.#table.capacity
  }

  /** Returns how many flows lead to an upstream. */
  flowsTo(upstream: number): number {
    return this.#flowsByUpstream[upstream] ?? 0
  }

  /** Returns the upstream of a client, or -1. */
  find(words: Int32Array, at: number): number {
    const slot = this.#table.find(words, at, SCOPE)
    return slot < 0 ? -1 : this.#upstreamAt(slot)
  }

  /**
   * Leads a client's packets to `upstream`, whose transceiver has verified the client.
   *
   * Another upstream's flow is handed over only once that one has been silent for `FLOW_HOLD`: somebody with a
   * session of his own who spoofs a client's address cannot have its packets.
   */
  bind(words: Int32Array, at: number, upstream: number, now: Millis): BindOutcome {
    const slot = this.#table.find(words, at, SCOPE)
    if (slot < 0) return this.#enter(words, at, upstream, now)
    const owner = this.#upstreamAt(slot)
    if (owner !== upstream && this.#table.lastActivity(slot) > now - FLOW_HOLD) return 'held'
    this.#table.touch(slot, now)
    if (owner === upstream) return 'refreshed'
    this.#disown(slot)
    this.#own(slot, upstream)
    return 'moved'
  }

  /**
   * Enters a flow that another process has known; one that is here already stays as it is.
   *
   * It counts as silent for so long that the BIND of another transceiver moves it, and it leaves half of the table
   * to flows that are bound here: nobody has vouched for it lately.
   */
  restore(words: Int32Array, at: number, upstream: number, now: Millis): 'bound' | 'held' | 'full' {
    if (this.#table.find(words, at, SCOPE) >= 0) return 'held'
    if (this.#table.size >= this.#table.capacity / 2) return 'full'
    return this.#enter(words, at, upstream, millisOf(now - RESTORED_SILENCE))
  }

  /** Tells whether it is time to tell of a client's flow: when it is new, and then every `RETELL_INTERVAL`. */
  isUntold(words: Int32Array, at: number, now: Millis): boolean {
    const slot = this.#table.find(words, at, SCOPE)
    const toldAt = slot < 0 ? Infinity : (this.#toldAt[slot] ?? NEVER)
    return toldAt === NEVER || toldAt <= (now - RETELL_INTERVAL) / 1_000
  }

  /** Takes note that a client's flow has been told of. */
  markTold(words: Int32Array, at: number, now: Millis): void {
    const slot = this.#table.find(words, at, SCOPE)
    if (slot >= 0) this.#toldAt[slot] = now / 1_000
  }

  /** Takes note that `upstream` sends to a client, if the flow is its own. */
  refresh(words: Int32Array, at: number, upstream: number, now: Millis): void {
    const slot = this.#table.find(words, at, SCOPE)
    if (slot >= 0 && this.#upstreamAt(slot) === upstream) this.#table.touch(slot, now)
  }

  /** Removes a client's flow if it leads to `upstream`; false if there is none. */
  unbind(words: Int32Array, at: number, upstream: number): boolean {
    return this.find(words, at) === upstream && this.remove(words, at)
  }

  /** Removes a client's flow, whoever it leads to; false if there is none. */
  remove(words: Int32Array, at: number): boolean {
    const slot = this.#table.find(words, at, SCOPE)
    if (slot < 0) return false
    this.#disown(slot)
    this.#table.remove(slot)
    return true
  }

  /** Removes flows that have been silent for `FLOW_IDLE_TIMEOUT`, at most `limit`, and returns how many. */
  expire(now: Millis, limit: number): number {
    return this.#table.expire(millisOf(now - FLOW_IDLE_TIMEOUT), this.#disown, limit)
  }

  #enter(words: Int32Array, at: number, upstream: number, now: Millis): 'bound' | 'full' {
    const slot = this.#table.insert(words, at, SCOPE, now)
    if (slot < 0) return 'full'
    this.#own(slot, upstream)
    return 'bound'
  }

  #upstreamAt(slot: number): number {
    return this.#upstreams[slot] ?? -1
  }

  #own(slot: number, upstream: number): void {
    this.#upstreams[slot] = upstream
    this.#toldAt[slot] = NEVER
    this.#flowsByUpstream[upstream] = this.flowsTo(upstream) + 1
  }

  readonly #disown = (slot: number): void => {
    const upstream = this.#upstreamAt(slot)
    this.#flowsByUpstream[upstream] = this.flowsTo(upstream) - 1
  }
}

/** How long a flow outlives the last packet from its transceiver: twice the life of a consent, RFC 7675 section 5.1. */
export const FLOW_IDLE_TIMEOUT = 60_000

/** How long a transceiver must be silent before another may take its client: two consent checks, RFC 7675 section 5.1. */
export const FLOW_HOLD = 10_000

/** How long a restored flow counts as silent: past `FLOW_HOLD`, ticks rounded up. */
const RESTORED_SILENCE = FLOW_HOLD + 1_000

/** How often a flow that lives on is told of: half the life of a stored binding, docs/recovery.md. */
export const RETELL_INTERVAL = 3_600_000

/** In place of the time at which a flow was told of. */
const NEVER = -1

/** All flows of a relay are in one scope. */
const SCOPE = 0
