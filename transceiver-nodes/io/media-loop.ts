/**
 * The loop of a media thread: takes link datagrams apart, hands each packet to its session, and serves every
 * session on one 20 ms clock, so that the cost of a wake-up is shared. docs/transceiver.md.
 *
 * When turns happen, `TurnClock` decides. RTP that has arrived is taken at the tick, a session at a time
 * (`Arrivals`); all else at once. What a turn writes is flushed at its end. A session that throws ends alone.
 */

import { parseStunMessage, findAttribute } from '#shared/stun/message'
import type { StunMessage } from '#shared/stun/message'
import { ATTRIBUTE_USERNAME, BINDING_REQUEST } from '#shared/stun/registry'
import { LINK_TYPE_DATA, LinkReader } from '#shared/link/frame'
import { classifyPacket } from '#shared/packet/classify'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { minutesOf, parseUfrag } from '#shared/ufrag/route'
import type { RouteKeyRing } from '#shared/ufrag/route'
import type { DropCounts, TransceiverDrop } from './drops.ts'
import { Arrivals } from '../core/arrivals.ts'
import { IcePath } from '../core/ice/path.ts'
import type { StunArrival } from '../core/ice/paths.ts'
import type { IceFault } from '../core/ice/agent.ts'
import type { LinkProbes } from '../core/link-probes.ts'
import type { LinkWriter } from '../core/link-writer.ts'
import { Pacer } from '../core/media/pacer.ts'
import { Lateness } from '../core/lateness.ts'
import type { LinkPort } from './link-port.ts'
import type { RelayDirectory } from '../core/relay-directory.ts'
import type { SessionTable } from '../core/session-table.ts'

/** What the loop needs of a session. */
export interface LoopSession {
  /** Whether its handshake is over. */
  readonly isConnected: boolean
  /** Takes a STUN message; the answer is written by `flush`, once the loop has learned the relay's cookie. */
  handleStun(arrival: StunArrival, now: Millis): IcePath | IceFault
  handleDtls(start: number, length: number): TransceiverDrop | undefined
  /** Takes SRTP, to be decrypted in place; returns why it was dropped. */
  handleRtp(start: number, length: number, path: IcePath, now: Millis): TransceiverDrop | undefined
  handleRtcp(start: number, length: number, path: IcePath, now: Millis): TransceiverDrop | undefined
  /** Writes what handling has queued. */
  flush(now: Millis): void
  /** Takes and sends audio: `due` frames, of which the first has this number. */
  tick(frame: number, due: number, now: Millis): void
  handleTimeout(now: Millis): void
  pollTimeout(): Millis | undefined
  /** Ends the session. */
  end(reason: string): void
}

/** What the loop works on. */
export interface MediaLoopParts<Session extends LoopSession> {
  /** The packet memory that datagrams lie in. */
  readonly memory: Uint8Array
  readonly directory: RelayDirectory
  readonly table: SessionTable<Session>
  readonly writer: LinkWriter
  readonly probes: LinkProbes
  readonly drops: DropCounts
  readonly routeKeys: RouteKeyRing
  readonly cluster: number
  readonly transceiver: number
  readonly log: Log
}

/** Dispatches packets and ticks. */
export class MediaLoop<Session extends LoopSession> {
  readonly #parts: MediaLoopParts<Session>
  readonly #reader = new LinkReader()
  readonly #arrivals: Arrivals
  readonly #pacer: Pacer
  readonly lateness = new Lateness()
  #attentiveUntil = millisOf(0)
  #isInTurn = false
  #hasFlushPending = false

  constructor(parts: MediaLoopParts<Session>) {
    this.#parts = parts
    this.#arrivals = new Arrivals(MAX_ARRIVALS, parts.table.maxSessions)
    this.#pacer = new Pacer(monotonicNow())
  }

  /** When the next tick is due. */
  get tickAt(): Millis {
    return this.#pacer.pollTimeout()
  }

  /** Whether there is a session to serve. */
  get hasSessions(): boolean {
    return this.#parts.table.size > 0
  }

  /** Until when somebody waits for every answer: a handshake is under way, or a client has just said something. */
  get attentiveUntil(): Millis {
    return this.#attentiveUntil
  }

  /** Has packets that come within `duration` answered without delay. */
  attend(now: Millis, duration = HANDSHAKE_ATTENTION): void {
    this.#attentiveUntil = millisOf(Math.max(this.#attentiveUntil, now + duration))
  }

  /** Takes what `port` has received, waiting for at most `waitMillis`, and ticks if that is due. */
  turn(port: LinkPort, waitMillis: number): void {
    this.#isInTurn = true
    port.receive(waitMillis)
    const now = monotonicNow()
    const isDue = now >= this.tickAt
    if (isDue) this.#tick(now)
    if (isDue || port.isFull) {
      this.#takeArrivals()
      port.release()
    }
    this.#endTurn()
  }

  /** Takes the link datagram at `start`; one that comes outside a turn is a turn of its own, as its memory is not kept. */
  handleDatagram(start: number, length: number, senders: Int32Array, senderAt: number): void {
    const isTurn = !this.#isInTurn
    this.#isInTurn = true
    this.#open(start, length, senders, senderAt)
    if (!isTurn) return
    this.#takeArrivals()
    this.#endTurn()
  }

  /** Sends what sessions write outside a turn (SCTP and backends work in callbacks of their own) as soon as they are done. */
  requestFlush(): void {
    if (this.#isInTurn || this.#hasFlushPending) return
    this.#hasFlushPending = true
    setImmediate(() => {
      this.#hasFlushPending = false
      this.#parts.writer.flush()
    })
  }

  #open(start: number, length: number, senders: Int32Array, senderAt: number): void {
    const { directory, drops, memory } = this.#parts
    const link = directory.find(senders, senderAt)
    if (link < 0) return drops.count('link-stranger')
    const reader = this.#reader
    const fault = reader.open(memory, start, length)
    if (fault !== undefined) return drops.count(fault)
    const now = monotonicNow()
    if (reader.type !== LINK_TYPE_DATA) return this.#handleProbe(link, now)
    while (reader.next()) this.#handleFrame(link, now)
    if (reader.fault !== undefined) drops.count(reader.fault)
  }

  #handleProbe(link: number, now: Millis): void {
    const drop = this.#parts.probes.handleProbe(link, this.#reader, now)
    if (drop !== undefined) this.#parts.drops.count(drop)
  }

  #handleFrame(link: number, now: Millis): void {
    const { memory, drops } = this.#parts
    const { payloadStart, payloadLength } = this.#reader
    const kind = classifyPacket(memory, payloadStart, payloadLength)
    const drop =
      kind === 'stun'
        ? this.#handleStun(link, now)
        : kind === 'unknown'
          ? 'packet-unknown'
          : this.#handleMedia(kind, link, now)
    if (drop !== undefined) drops.count(drop)
  }

  #handleStun(link: number, now: Millis): TransceiverDrop | undefined {
    const { memory, directory, table } = this.#parts
    const { payloadStart, payloadLength, client, cookieStart } = this.#reader
    const vip = directory.vipOf(link)
    const bytes = memory.slice(payloadStart, payloadStart + payloadLength)
    const message = parseStunMessage(bytes)
    if (typeof message === 'string') return message
    const session =
      message.type === BINDING_REQUEST
        ? this.#sessionOfRequest(message)
        : table.sessionAt(table.find(vip, client, 0))
    if (session === undefined) return 'session-unknown'
    if (typeof session === 'string') return session
    try {
      const verdict = session.handleStun({ bytes, message, vip, link, client }, now)
      const isVerified = verdict instanceof IcePath
      if (!session.isConnected) this.attend(now)
      if (isVerified) directory.learnCookie(link, memory, cookieStart)
      session.flush(now)
      return isVerified ? undefined : verdict
    } catch (error) {
      return this.#fail(session, error)
    }
  }

  /** Finds the session that the request's ufrag names: RFC 8445 section 7.3, docs/routing-ufrag.md. */
  #sessionOfRequest(message: StunMessage): Session | TransceiverDrop | undefined {
    const { routeKeys, cluster, transceiver, table } = this.#parts
    const username = findAttribute(message, ATTRIBUTE_USERNAME)
    const colon = username?.indexOf(COLON) ?? -1
    if (username === undefined || colon < 0) return 'ufrag-absent'
    const ufrag = String.fromCharCode(...username.subarray(0, Math.min(colon, MAX_UFRAG_LENGTH)))
    const route = parseUfrag(ufrag, routeKeys, minutesOf(epochNow()))
    if (typeof route === 'string') return route
    if (route.cluster !== cluster || route.transceiver !== transceiver) return 'session-unknown'
    return table.byHandle(route.session)
  }

  #handleMedia(kind: 'dtls' | 'rtp' | 'rtcp', link: number, now: Millis): TransceiverDrop | undefined {
    const { table, directory } = this.#parts
    const { payloadStart, payloadLength, client, cookieStart } = this.#reader
    const slot = table.find(directory.vipOf(link), client, 0)
    const path = table.pathAt(slot)
    if (path === undefined) return 'path-unknown'
    if (kind === 'rtp') {
      if (this.#arrivals.isFull) this.#takeArrivals()
      this.#arrivals.add(table.rowAt(slot), path, link, payloadStart, payloadLength, cookieStart, now)
      return undefined
    }
    const session = table.sessionAt(slot)
    if (session === undefined) return 'path-unknown'
    try {
      if (kind === 'dtls') {
        this.attend(now, session.isConnected ? EVENT_ATTENTION : HANDSHAKE_ATTENTION)
        return session.handleDtls(payloadStart, payloadLength)
      }
      const drop = session.handleRtcp(payloadStart, payloadLength, path, now)
      if (drop === undefined) this.#noteAuthentic(path, link, cookieStart)
      return drop
    } catch (error) {
      return this.#fail(session, error)
    }
  }

  /** Opens what has arrived before its tick: there is no room to keep it. */
  #takeArrivals(): void {
    const { rows, count } = this.#arrivals
    for (let packet = 0; packet < count; packet++) this.#takeArrivalsOf(rows[packet] ?? 0)
    this.#arrivals.clear()
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
      return this.#fail(session, error)
    }
  }

  /** The client is answered by the link that its last authentic packet came by, with the cookie in it. */
  #noteAuthentic(path: IcePath, link: number, cookieStart: number): void {
    path.link = link
    this.#parts.directory.learnCookie(link, this.#parts.memory, cookieStart)
  }

  #tick(now: Millis): void {
    const { table, probes } = this.#parts
    this.lateness.note(now - this.tickAt)
    const due = this.#pacer.advance(now)
    // First, so that sessions know which relays are lost.
    probes.handleTimeout(now)
    for (let row = 0; row < table.rows; row++) {
      const session = table.inRow(row)
      if (session === undefined) continue
      this.#takeArrivalsOf(row)
      this.#tickSession(session, due, now)
    }
  }

  #endTurn(): void {
    this.#isInTurn = false
    this.#parts.writer.flush()
  }

  #tickSession(session: Session, due: number, now: Millis): void {
    try {
      if (due > 0) session.tick(this.#pacer.frame, due, now)
      if (now >= (session.pollTimeout() ?? Infinity)) session.handleTimeout(now)
      session.flush(now)
    } catch (error) {
      this.#fail(session, error)
    }
  }

  /** A bug that one session's input finds ends that session and no other. */
  #fail(session: Session, error: unknown): undefined {
    this.#parts.log.error('A session failed and was ended', { error: error as Error })
    session.end('internal-error')
  }
}

/** Packets that wait for the tick: as many as a batched port keeps datagrams; where bundles make it more, they are taken sooner. */
const MAX_ARRIVALS = 1_024
/** A handshake waits no longer for its next packet than a round trip around the world. */
const HANDSHAKE_ATTENTION = 250
/** An event on a data channel is seldom alone, and its answer a matter of some milliseconds. */
const EVENT_ATTENTION = 20
const COLON = 0x3a
/** Longer ufrags than ours are not ours: RFC 8839 section 5.4 allows 256. */
const MAX_UFRAG_LENGTH = 256
