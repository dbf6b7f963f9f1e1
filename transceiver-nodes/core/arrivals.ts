/**
 * RTP packets that have arrived and lie in the packet memory until their session's turn: docs/transceiver.md,
 * "A session at a time".
 *
 * A packet waits for the tick anyway, in a jitter buffer. Opened only then, just before its session's frame is
 * handed on and the next one sent, it costs a single visit to the session's memory, where there were two.
 *
 * A packet is a number below the capacity; what is known of it stands in arrays, and those of one session are
 * chained in the order of arrival. Nothing is allocated.
 */

import type { Millis } from '#shared/time'
import type { IcePath } from './ice/path.ts'

/** Packets in the order of arrival, and by session. */
export class Arrivals {
  /** Where each packet begins in the memory, and how long it is. */
  readonly starts: Int32Array
  readonly lengths: Int32Array
  /** The session's row, the link that the packet came by, and where its cookie stands. */
  readonly rows: Int32Array
  readonly links: Int32Array
  readonly cookieStarts: Int32Array
  readonly times: Float64Array
  readonly paths: (IcePath | undefined)[]
  /** How many there are. */
  count = 0
  readonly #next: Int32Array
  /** Of each session's chain, plus one; 0: it has none. */
  readonly #first: Int32Array
  readonly #last: Int32Array

  /** Throws a `RangeError` unless both are whole numbers above 0. */
  constructor(capacity: number, sessions: number) {
    if (!(Number.isInteger(capacity) && capacity > 0 && Number.isInteger(sessions) && sessions > 0)) {
      throw new RangeError(`room for ${capacity} packets of ${sessions} sessions`)
    }
    this.starts = new Int32Array(capacity)
    this.lengths = new Int32Array(capacity)
    this.rows = new Int32Array(capacity)
    this.links = new Int32Array(capacity)
    this.cookieStarts = new Int32Array(capacity)
    this.times = new Float64Array(capacity)
    this.paths = Array.from({ length: capacity }, () => undefined)
    this.#next = new Int32Array(capacity)
    this.#first = new Int32Array(sessions)
    this.#last = new Int32Array(sessions)
  }

  /** True when no further packet may be added. */
  get isFull(): boolean {
    return this.count === this.starts.length
  }

  /** Adds a packet of the session in `row`; not when full. */
  add(
    row: number,
    path: IcePath,
    link: number,
    start: number,
    length: number,
    cookieStart: number,
    now: Millis,
  ): void {
    const packet = this.count++
    this.rows[packet] = row
    this.paths[packet] = path
    this.links[packet] = link
    this.starts[packet] = start
    this.lengths[packet] = length
    this.cookieStarts[packet] = cookieStart
    this.times[packet] = now
    this.#next[packet] = 0
    if (this.#first[row] === 0) this.#first[row] = packet + 1
    else this.#next[(this.#last[row] ?? 0) - 1] = packet + 1
    this.#last[row] = packet + 1
  }

  /** Returns the first packet of the session in `row`; -1: there is none. */
  firstOf(row: number): number {
    return (this.#first[row] ?? 0) - 1
  }

  /** Returns the packet of the same session that came after `packet`; -1: there is none. */
  after(packet: number): number {
    return (this.#next[packet] ?? 0) - 1
  }

  /** Forgets the packets of the session in `row`: they are taken, or it has ended. */
  drop(row: number): void {
    this.#first[row] = 0
  }

  /** Forgets all packets. */
  clear(): void {
    for (let packet = 0; packet < this.count; packet++) this.#first[this.rows[packet] ?? 0] = 0
    this.count = 0
  }
}
