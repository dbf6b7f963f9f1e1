/**
 * Asks where flows lead that this relay has never seen, and tells of those that it has: docs/recovery.md.
 *
 * After a restart, or when a balancer has moved a client here, packets come in the middle of a call. The first of
 * a flow has it looked up; the packet itself is dropped, for voice does not wait, and so are those after it until
 * the answer is there. One question is under way for a flow, a bounded number in all, and a flow that nobody
 * knows is not asked about again for a while: whatever a flood of made-up sources costs, it costs no more.
 *
 * Clients on TCP are left out: their connection has gone with the relay that knew them.
 */

import { TCP_BIT } from '#shared/endpoint'
import { EndpointTable } from '#shared/endpoint-table'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { count, FLOW_RECORDS_LOST, LOOKUPS, LOOKUPS_ABSENT, LOOKUPS_UNANSWERED } from './counters.ts'
import { FLOW_BOUND, FLOW_UNBOUND, FLOW_WANTED, FlowRecords } from './flow-records.ts'

/** One relay thread's half of the recovery of flows; every `at` is the index of a client's first word. */
export class Recovery {
  readonly #counters: Float64Array
  readonly #outbox = new FlowRecords(MAX_OUTBOX)
  /** Flows asked about and flows known to be absent. */
  readonly #table: EndpointTable
  readonly #isAsked = new Uint8Array(MAX_REMEMBERED)
  #outstanding = 0
  #now: Millis

  /** Counts in the relay's `counters`; `hashKey` is random, so that nobody can choose addresses that collide. */
  constructor(hashKey: readonly [number, number], counters: Float64Array, now: Millis) {
    this.#counters = counters
    this.#table = new EndpointTable(MAX_REMEMBERED, hashKey)
    this.#now = now
  }

  /** Whether `takeRecords` has anything. */
  get hasRecords(): boolean {
    return !this.#outbox.isEmpty
  }

  /** Tells that a client's flow leads to `route`; false: it could not be told now. */
  handleBound(words: Int32Array, at: number, route: number): boolean {
    return isOnTcp(words, at) || this.#tell(FLOW_BOUND, words, at, route)
  }

  /** Tells that a client's flow is no more. */
  handleUnbound(words: Int32Array, at: number): void {
    if (!isOnTcp(words, at)) this.#tell(FLOW_UNBOUND, words, at, 0)
  }

  /** Takes note of a packet in the middle of a flow that is not known here; true while the flow is asked about. */
  handleMiss(words: Int32Array, at: number): boolean {
    // First what costs least: in a flood, nearly every packet ends here.
    if (this.#outstanding === MAX_OUTSTANDING || isOnTcp(words, at)) return false
    const slot = this.#table.find(words, at, SCOPE)
    if (slot >= 0) return this.#isAsked[slot] === 1
    if (!this.#outbox.push(FLOW_WANTED, words, at, 0)) return false
    this.#remember(words, at)
    return true
  }

  /** Takes the answer about a client's flow. */
  handleAnswer(words: Int32Array, at: number, isFound: boolean, now: Millis): void {
    this.#now = now
    const slot = this.#table.find(words, at, SCOPE)
    if (slot < 0) return
    if (isFound) {
      this.#forget(slot)
      this.#table.remove(slot)
    } else if (this.#isAsked[slot] === 1) {
      this.#forget(slot)
      this.#table.touch(slot, now)
      count(this.#counters, LOOKUPS_ABSENT, 1)
    }
  }

  /** Lets go of questions that nobody answered and of flows that may be asked about again. */
  handleTimeout(now: Millis): void {
    this.#now = now
    this.#table.expire(millisOf(now - ASK_AGAIN_AFTER), this.#giveUp)
  }

  /** Takes out what is to be told and asked, as one batch of records. */
  takeRecords(): Int32Array {
    return this.#outbox.take()
  }

  #tell(kind: number, words: Int32Array, at: number, route: number): boolean {
    const isTold = this.#outbox.push(kind, words, at, route)
    if (!isTold) count(this.#counters, FLOW_RECORDS_LOST, 1)
    return isTold
  }

  /** Enters a flow as asked about; when there is no place left, the longest remembered gives way. */
  #remember(words: Int32Array, at: number): void {
    if (this.#table.size === MAX_REMEMBERED) this.#table.expire(millisOf(Infinity), this.#giveUp, 1)
    const slot = this.#table.insert(words, at, SCOPE, this.#now)
    this.#isAsked[slot] = 1
    this.#outstanding++
    count(this.#counters, LOOKUPS, 1)
  }

  readonly #giveUp = (slot: number): void => {
    if (this.#isAsked[slot] === 0) return
    this.#forget(slot)
    count(this.#counters, LOOKUPS_UNANSWERED, 1)
  }

  #forget(slot: number): void {
    if (this.#isAsked[slot] === 0) return
    this.#isAsked[slot] = 0
    this.#outstanding--
  }
}

function isOnTcp(words: Int32Array, at: number): boolean {
  return ((words[at + 4] ?? 0) & TCP_BIT) !== 0
}

/** All flows of a relay are in one scope. */
const SCOPE = 0

/** How long a flow is not asked about again, whether nobody knew it or nobody answered: two checks of a browser. */
export const ASK_AGAIN_AFTER = 5_000

/** Bound on flows asked about at once: what one read of the store takes. */
export const MAX_OUTSTANDING = 1_024

/** Bound on flows asked about and flows known to be absent, 48 bytes each. */
export const MAX_REMEMBERED = 16_384

/** Bound on records that wait to be taken: several turns' worth. */
export const MAX_OUTBOX = 4_096
