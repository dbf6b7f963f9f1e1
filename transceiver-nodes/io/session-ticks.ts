/**
 * Serves every session of a thread on one clock of 20 ms: its RTP that has arrived, one frame each way, its timeouts.
 * docs/transceiver.md, "A session at a time".
 *
 * `MediaLoop` brings packets and says when. A session that throws ends alone.
 */

import type { Millis } from '#shared/time'
import { millisOf } from '#shared/time'
import { Arrivals } from '../core/arrivals.ts'
import type { IcePath } from '../core/ice/path.ts'
import { Lateness } from '../core/lateness.ts'
import type { LinkProbes } from '../core/link-probes.ts'
import { Pacer } from '../core/media/pacer.ts'
import type { RelayDirectory } from '../core/relay-directory.ts'
import { SessionDeadlines } from '../core/session-deadlines.ts'
import type { SessionTable } from '../core/session-table.ts'
import type { DropCounts, TransceiverDrop } from './drops.ts'
import type { LoopSession } from './loop-session.ts'

/** What the ticks work on. */
export interface SessionTicksParts<Session extends LoopSession> {
  /** The packet memory that datagrams lie in. */
  readonly memory: Uint8Array
  readonly directory: RelayDirectory
  readonly table: SessionTable<Session>
  readonly probes: LinkProbes
  readonly drops: DropCounts
  /** Ends a session in which a bug has shown. */
  readonly fail: (session: Session, error: unknown) => undefined
}

/** The ticks of all sessions. */
export class SessionTicks<Session extends LoopSession> {
  readonly lateness = new Lateness()
  readonly #parts: SessionTicksParts<Session>
  readonly #arrivals: Arrivals
  readonly #deadlines: SessionDeadlines
  readonly #pacer: Pacer
  #losses = 0
  #hasChannels = false
  /** What `prefetch` has read: in sight of everybody, so that no compiler leaves it out. */
  prefetched = 0

  constructor(parts: SessionTicksParts<Session>, now: Millis) {
    const { maxSessions } = parts.table
    this.#parts = parts
    this.#arrivals = new Arrivals(MAX_ARRIVALS, maxSessions)
    this.#deadlines = new SessionDeadlines(maxSessions)
    this.#pacer = new Pacer(now)
  }

  /** When the next tick is due. */
  get tickAt(): Millis {
    return this.#pacer.pollTimeout()
  }

  /** Whether any session had a data channel open at the last tick. */
  get hasChannels(): boolean {
    return this.#hasChannels
  }

  /** Keeps the RTP packet of the session in `row` for its tick; its memory must stay until `takeArrivals`. */
  keep(
    row: number,
    path: IcePath,
    link: number,
    start: number,
    length: number,
    cookieStart: number,
    now: Millis,
  ): void {
    if (this.#arrivals.isFull) this.takeArrivals()
    this.#arrivals.add(row, path, link, start, length, cookieStart, now)
  }

  /** Has the timeouts of the session in `row` looked at in the next tick: something has come for it. */
  expedite(row: number): void {
    if (row >= 0) this.#deadlines.forget(row)
  }

  /** Serves every session. */
  tick(now: Millis): void {
    const { table, probes } = this.#parts
    this.lateness.note(now - this.tickAt)
    const due = this.#pacer.advance(now)
    // First, so that sessions know which relays are lost.
    probes.handleTimeout(now)
    this.#noteLosses()
    this.#hasChannels = false
    for (let row = 0; row < table.rows; row++) {
      if (row % PREFETCH_ROWS === 0) this.#prefetch(row, Math.min(row + PREFETCH_ROWS, table.rows))
      const session = table.inRow(row)
      if (session === undefined) continue
      this.#takeArrivalsOf(row)
      this.#serve(session, row, due, now)
    }
  }

  /** Opens what has arrived and waits for its tick. */
  takeArrivals(): void {
    const { rows, count } = this.#arrivals
    for (let packet = 0; packet < count; packet++) this.#takeArrivalsOf(rows[packet] ?? 0)
    this.#arrivals.clear()
  }

  #prefetch(from: number, to: number): void {
    for (let row = from; row < to; row++) {
      const session = this.#parts.table.inRow(row)
      if (session !== undefined) this.#prefetchOf(session)
    }
  }

  #prefetchOf(session: Session): void {
    try {
      this.prefetched = session.prefetch()
    } catch (error) {
      this.#parts.fail(session, error)
    }
  }

  #noteLosses(): void {
    const { losses } = this.#parts.probes.health
    if (losses === this.#losses) return
    this.#losses = losses
    this.#deadlines.forgetAll()
  }

  #serve(session: Session, row: number, due: number, now: Millis): void {
    try {
      if (due > 0) session.tick(this.#pacer.frame, due, now)
      if (session.hasChannel) this.#hasChannels = true
      if (this.#deadlines.mayBeDue(row, now)) this.#handleTimeout(session, row, now)
    } catch (error) {
      this.#parts.fail(session, error)
    }
  }

  #handleTimeout(session: Session, row: number, now: Millis): void {
    if (now >= (session.pollTimeout() ?? Infinity)) {
      session.handleTimeout(now)
      session.flush(now)
    }
    this.#deadlines.keep(row, session.pollTimeout(), now)
  }

  #takeArrivalsOf(row: number): void {
    const arrivals = this.#arrivals
    const session = this.#parts.table.inRow(row)
    for (let packet = arrivals.firstOf(row); packet >= 0; packet = arrivals.after(packet)) {
      const drop = session === undefined ? 'session-unknown' : this.#takeArrival(session, packet)
      if (drop !== undefined) this.#parts.drops.count(drop)
    }
    arrivals.drop(row)
  }

  #takeArrival(session: Session, packet: number): TransceiverDrop | undefined {
    const { starts, lengths, paths, links, cookieStarts, times } = this.#arrivals
    const path = paths[packet]
    if (path === undefined) return 'path-unknown'
    try {
      const at = millisOf(times[packet] ?? 0)
      const drop = session.handleRtp(starts[packet] ?? 0, lengths[packet] ?? 0, path, at)
      if (drop === undefined) this.#noteAuthentic(path, links[packet] ?? 0, cookieStarts[packet] ?? 0)
      return drop
    } catch (error) {
      return this.#parts.fail(session, error)
    }
  }

  #noteAuthentic(path: IcePath, link: number, cookieStart: number): void {
    path.link = link
    this.#parts.directory.learnCookie(link, this.#parts.memory, cookieStart)
  }
}

/**
 * Packets that wait for the tick: a batched port keeps 1,024 datagrams, and bundles of four fill this; where there is
 * more, they are taken sooner.
 */
const MAX_ARRIVALS = 4_096
/** Sessions whose memory is asked for at once: their misses overlap, and what they bring stays in the caches until it is needed. */
const PREFETCH_ROWS = 8
