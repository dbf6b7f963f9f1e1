/**
 * Finds the session that a packet belongs to: by the handle in its ufrag, or by the path it came on.
 *
 * Handles come from ufrags that this transceiver minted; paths are entered once a check on them has
 * verified, so a packet from anywhere else finds nothing. Both maps are bounded.
 */

import { EndpointTable } from '#shared/endpoint-table'
import type { Millis } from '#shared/time'
import type { IcePath } from './ice/path.ts'

/** Sessions by handle and by path. */
export class SessionTable<Session> {
  readonly #sessionByHandle = new Map<number, Session>()
  readonly #table: EndpointTable
  readonly #sessions: (Session | undefined)[] = []
  readonly #paths: (IcePath | undefined)[] = []
  readonly #maxSessions: number

  /** `hashKey` is random, so that nobody can choose addresses that collide. */
  constructor(maxSessions: number, hashKey: readonly [number, number]) {
    this.#maxSessions = maxSessions
    this.#table = new EndpointTable(maxSessions * PATHS_PER_SESSION, hashKey)
  }

  /** Sessions under way. */
  get size(): number {
    return this.#sessionByHandle.size
  }

  /** True when no further session may be added. */
  get isFull(): boolean {
    return this.size >= this.#maxSessions
  }

  /** Every session under way. */
  sessions(): IterableIterator<Session> {
    return this.#sessionByHandle.values()
  }

  /** Enters a session; false: the handle is taken or the table is full. */
  add(handle: number, session: Session): boolean {
    if (this.isFull || this.#sessionByHandle.has(handle)) return false
    this.#sessionByHandle.set(handle, session)
    return true
  }

  /** Takes a session out; its paths must be unbound by their owner. */
  remove(handle: number): void {
    this.#sessionByHandle.delete(handle)
  }

  /** Finds a session by the handle in its ufrag. */
  byHandle(handle: number): Session | undefined {
    return this.#sessionByHandle.get(handle)
  }

  /** Routes packets of `path` to `session`; false: the table is full. */
  bind(path: IcePath, session: Session, now: Millis): boolean {
    const known = this.#table.find(path.client, 0, path.vip)
    const slot = known >= 0 ? known : this.#table.insert(path.client, 0, path.vip, now)
    if (slot < 0) return false
    this.#sessions[slot] = session
    this.#paths[slot] = path
    return true
  }

  /** Ends the routing of `path`, unless another session has taken the endpoint over. */
  unbind(path: IcePath): void {
    const slot = this.#table.find(path.client, 0, path.vip)
    if (slot < 0 || this.#paths[slot] !== path) return
    this.#table.remove(slot)
    this.#sessions[slot] = undefined
    this.#paths[slot] = undefined
  }

  /** Finds the slot of the path through `vip` from the client at `words[wordsAt]`; -1: none. */
  find(vip: number, words: Int32Array, wordsAt: number): number {
    return this.#table.find(words, wordsAt, vip)
  }

  /** Returns the session at a slot. */
  sessionAt(slot: number): Session | undefined {
    return this.#sessions[slot]
  }

  /** Returns the path at a slot. */
  pathAt(slot: number): IcePath | undefined {
    return this.#paths[slot]
  }
}

/** Paths that are bound for a session at once, on average: an agent keeps up to twice as many. */
const PATHS_PER_SESSION = 8
