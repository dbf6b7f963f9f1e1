/**
 * Finds the session that a packet belongs to: by the handle in its ufrag, or by the path it came on.
 *
 * Handles come from ufrags that this transceiver minted; paths are entered once a check on them has
 * verified, so a packet from anywhere else finds nothing. Both maps are bounded. Each session has a row, a small
 * number, by which others keep what belongs to it in arrays of their own.
 */

import { EndpointTable } from '#shared/endpoint-table'
import type { Millis } from '#shared/time'
import type { IcePath } from './ice/path.ts'

/** Sessions by handle and by path. */
export class SessionTable<Session> {
  readonly #sessionByHandle = new Map<number, Session>()
  /** A session's row, and what is in each row. */
  readonly #rowBySession = new Map<Session, number>()
  readonly #rows: (Session | undefined)[] = []
  readonly #freeRows: number[] = []
  readonly #table: EndpointTable
  /** By slot: the row plus one, 0: none. */
  readonly #rowBySlot: Int32Array
  readonly #paths: (IcePath | undefined)[] = []
  readonly maxSessions: number

  /** `hashKey` is random, so that nobody can choose addresses that collide. */
  constructor(maxSessions: number, hashKey: readonly [number, number]) {
    this.maxSessions = maxSessions
    this.#table = new EndpointTable(maxSessions * PATHS_PER_SESSION, hashKey)
    this.#rowBySlot = new Int32Array(this.#table.capacity)
  }

  /** Sessions under way. */
  get size(): number {
    return this.#sessionByHandle.size
  }

  /** True when no further session may be added. */
  get isFull(): boolean {
    return this.size >= this.maxSessions
  }

  /** Every session under way. */
  sessions(): IterableIterator<Session> {
    return this.#sessionByHandle.values()
  }

  /** Enters a session; false: the handle is taken or the table is full. */
  add(handle: number, session: Session): boolean {
    if (this.isFull || this.#sessionByHandle.has(handle)) return false
    this.#sessionByHandle.set(handle, session)
    const row = this.#freeRows.pop() ?? this.#rows.length
    this.#rowBySession.set(session, row)
    this.#rows[row] = session
    return true
  }

  /** Takes a session out; its paths must be unbound by their owner. Another may have its row from now on. */
  remove(handle: number): void {
    const session = this.#sessionByHandle.get(handle)
    if (session === undefined) return
    this.#sessionByHandle.delete(handle)
    const row = this.#rowBySession.get(session) ?? 0
    this.#rowBySession.delete(session)
    this.#rows[row] = undefined
    this.#freeRows.push(row)
  }

  /** Rows in use are below this number. */
  get rows(): number {
    return this.#rows.length
  }

  /** Returns the session in a row. */
  inRow(row: number): Session | undefined {
    return this.#rows[row]
  }

  /** Returns the row of a session; -1: it is not here. */
  rowOf(session: Session): number {
    return this.#rowBySession.get(session) ?? -1
  }

  /** Finds a session by the handle in its ufrag. */
  byHandle(handle: number): Session | undefined {
    return this.#sessionByHandle.get(handle)
  }

  /** Routes packets of `path` to `session`; false: the table is full, or the session has not been added. */
  bind(path: IcePath, session: Session, now: Millis): boolean {
    const row = this.#rowBySession.get(session)
    if (row === undefined) return false
    const known = this.#table.find(path.client, 0, path.vip)
    const slot = known >= 0 ? known : this.#table.insert(path.client, 0, path.vip, now)
    if (slot < 0) return false
    this.#rowBySlot[slot] = row + 1
    this.#paths[slot] = path
    return true
  }

  /** Ends the routing of `path`, unless another session has taken the endpoint over. */
  unbind(path: IcePath): void {
    const slot = this.#table.find(path.client, 0, path.vip)
    if (slot < 0 || this.#paths[slot] !== path) return
    this.#table.remove(slot)
    this.#rowBySlot[slot] = 0
    this.#paths[slot] = undefined
  }

  /** Finds the slot of the path through `vip` from the client at `words[wordsAt]`; -1: none. */
  find(vip: number, words: Int32Array, wordsAt: number): number {
    return this.#table.find(words, wordsAt, vip)
  }

  /** Returns the session at a slot. */
  sessionAt(slot: number): Session | undefined {
    return this.#rows[this.rowAt(slot)]
  }

  /** Returns the row of the session at a slot; -1: none. */
  rowAt(slot: number): number {
    return (this.#rowBySlot[slot] ?? 0) - 1
  }

  /** Returns the path at a slot. */
  pathAt(slot: number): IcePath | undefined {
    return this.#paths[slot]
  }
}

/** Paths that are bound for a session at once, on average: an agent keeps up to twice as many. */
const PATHS_PER_SESSION = 8
