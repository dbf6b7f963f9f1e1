/**
 * The loop of a media thread: takes link datagrams apart and hands each packet to its session, or keeps it for the
 * tick that serves them all, so that the cost of a wake-up is shared. docs/transceiver.md.
 *
 * When turns happen, `TurnClock` decides. RTP that has arrived is taken at the tick, a session at a time
 * (`SessionTicks`); all else at once. What a turn writes is flushed at its end. A session that throws ends alone.
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
import { IcePath } from '../core/ice/path.ts'
import type { Lateness } from '../core/lateness.ts'
import type { LinkProbes } from '../core/link-probes.ts'
import type { LinkWriter } from '../core/link-writer.ts'
import type { LinkPort } from './link-port.ts'
import type { LoopSession } from './loop-session.ts'
import type { RelayDirectory } from '../core/relay-directory.ts'
import type { SessionTable } from '../core/session-table.ts'
import { SessionTicks } from './session-ticks.ts'

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
  readonly #ticks: SessionTicks<Session>
  #attentiveUntil = millisOf(0)
  #isInTurn = false
  #hasFlushPending = false

  constructor(parts: MediaLoopParts<Session>) {
    this.#parts = parts
    const fail = (session: Session, error: unknown) => this.#fail(session, error)
    this.#ticks = new SessionTicks({ ...parts, fail }, monotonicNow())
  }

  /** When the next tick is due. */
  get tickAt(): Millis {
    return this.#ticks.tickAt
  }

  /** How late the ticks are. */
  get lateness(): Lateness {
    return this.#ticks.lateness
  }

  /** Whether a client may say something on its data channel at any time. */
  get hasChannels(): boolean {
    return this.#ticks.hasChannels
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
    if (isDue) this.#ticks.tick(now)
    if (isDue || port.isFull) {
      this.#ticks.takeArrivals()
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
    this.#ticks.takeArrivals()
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
      this.#ticks.expedite(table.rowOf(session))
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
    const { table, directory, memory } = this.#parts
    const { payloadStart, payloadLength, client, cookieStart } = this.#reader
    const slot = table.find(directory.vipOf(link), client, 0)
    const path = table.pathAt(slot)
    if (path === undefined) return 'path-unknown'
    if (kind === 'rtp') {
      this.#ticks.keep(table.rowAt(slot), path, link, payloadStart, payloadLength, cookieStart, now)
      return undefined
    }
    const session = table.sessionAt(slot)
    if (session === undefined) return 'path-unknown'
    try {
      if (kind === 'dtls') {
        this.attend(now, session.isConnected ? EVENT_ATTENTION : HANDSHAKE_ATTENTION)
        this.#ticks.expedite(table.rowAt(slot))
        return session.handleDtls(payloadStart, payloadLength)
      }
      const drop = session.handleRtcp(payloadStart, payloadLength, path, now)
      if (drop !== undefined) return drop
      path.link = link
      directory.learnCookie(link, memory, cookieStart)
      return undefined
    } catch (error) {
      return this.#fail(session, error)
    }
  }

  #endTurn(): void {
    this.#isInTurn = false
    this.#parts.writer.flush()
  }

  /** A bug that one session's input finds ends that session and no other. */
  #fail(session: Session, error: unknown): undefined {
    this.#parts.log.error('A session failed and was ended', { error: error as Error })
    session.end('internal-error')
  }
}

/** A handshake waits no longer for its next packet than a round trip around the world. */
const HANDSHAKE_ATTENTION = 250
/** An event on a data channel is seldom alone, and its answer a matter of some milliseconds. */
const EVENT_ATTENTION = 20
const COLON = 0x3a
/** Longer ufrags than ours are not ours: RFC 8839 section 5.4 allows 256. */
const MAX_UFRAG_LENGTH = 256
