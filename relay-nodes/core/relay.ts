/**
 * Routes packets between clients and the transceivers that own their sessions: docs/relay.md.
 *
 * Never terminates ICE, DTLS or SRTP and never answers: it reads the routing ufrag of STUN Binding requests,
 * frames packets, and forwards bytes. Nothing is kept of a client until its transceiver has verified it and
 * says so on the link. Works on the caller's memory and allocates nothing per packet; the caller moves the bytes:
 *
 * - `handleClientPacket` for each packet of a client: send the frame it wrote to the upstream it names;
 * - `openLinkDatagram` for each datagram of the link, then `nextFrame` until it says false: send each `frame`, or
 *   the datagram itself back if it `hasPong`;
 * - `handleTimeout` at `pollTimeout`, then `nextPing` until there is none; `handleUpstreams` for each fleet snapshot;
 * - `takeFlowRecords` after each turn that leaves some, and `handleFlowRecords` with what comes back.
 */

import {
  FRAME_FLAG_BIND,
  FRAME_FLAG_UNBIND,
  frameHeaderBytes,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  LinkReader,
  MAX_CLIENT_PAYLOAD_BYTES,
  writeFrameHeader,
  writeLinkHeader,
} from '#shared/link/frame'
import type { LinkHealth } from '#shared/link/link-health'
import { classifyPacket } from '#shared/packet/classify'
import { StunView } from '#shared/stun/view'
import { millisOf } from '#shared/time'
import type { EpochSeconds, Millis } from '#shared/time'
import type { RouteKeyRing } from '#shared/ufrag/route'
import {
  count,
  COUNTERS,
  DOWNLINK_BYTES,
  DOWNLINK_FORWARDED,
  FLOWS_BOUND,
  FLOWS_CLOSED,
  FLOWS_EXPIRED,
  FLOWS_HELD,
  FLOWS_MOVED,
  FLOWS_REFRESHED,
  FLOWS_REFUSED,
  FLOWS_RESTORED,
  FLOWS_UNBOUND,
  FRAMES_RECEIVED,
  FRAMES_SILENT,
  LINK_RECEIVED,
  PINGS_ANSWERED,
  UPLINK_BYTES,
  UPLINK_FORWARDED,
  UPLINK_RECEIVED,
  UPSTREAMS_LOST,
} from './counters.ts'
import { DROP_REASONS, dropCode, dropIndex } from './drop-reasons.ts'
import { FLOW_FOUND, RECORD_CLIENT, RECORD_ROUTE, RECORD_WORDS } from './flow-records.ts'
import { FlowTable } from './flow-table.ts'
import type { BindOutcome } from './flow-table.ts'
import { Listeners } from './listeners.ts'
import type { ListenerPlan } from './listeners.ts'
import { Recovery } from './recovery.ts'
import { RequestRouter } from './request-router.ts'
import { UpstreamWatch } from './upstream-watch.ts'
import { Upstreams } from './upstreams.ts'
import type { Upstream } from './upstreams.ts'

export interface RelayConfig extends ListenerPlan {
  /** The relay's boot secret, 8 random bytes, which transceivers echo. */
  readonly cookie: Uint8Array
  readonly routeKeys: RouteKeyRing
  readonly maxFlows: number
  /** Two random words, so that nobody can choose addresses that collide in the flow table. */
  readonly hashKey: readonly [number, number]
  /** Whether unknown flows are asked about, and bound ones told of, in records that the caller takes. */
  readonly recovers?: boolean
  /** Watches the upstreams that flows lead to; without it nobody is pinged. */
  readonly health?: LinkHealth
}

/** A packet for a client, valid until the next call: five words that name the client, and where the payload lies. */
export type ClientFrame = Pick<Readonly<LinkReader>, 'client' | 'payloadStart' | 'payloadLength'>

/** The relay's machine. */
export class Relay {
  /** Totals, at the places that `counters.ts` names. */
  readonly counters = new Float64Array(COUNTERS)
  /** Drops, in the order of `DROP_REASONS`. */
  readonly drops = new Float64Array(DROP_REASONS.length)
  /** Whether the datagram opened last was a ping: its pong stands in its place, to be sent back as it is. */
  hasPong = false
  readonly #cookie: Uint8Array
  readonly #listeners: Listeners
  readonly #upstreams = new Upstreams()
  readonly #flows: FlowTable
  readonly #requests: RequestRouter
  readonly #watch: UpstreamWatch
  readonly #recovery: Recovery | undefined = undefined
  readonly #stun = new StunView()
  readonly #link = new LinkReader()
  /** The sender of the open link datagram; -1: none is open. */
  #sender = -1
  #now: Millis
  #timeout: Millis

  constructor(config: RelayConfig, epochNow: EpochSeconds, now: Millis) {
    this.#cookie = config.cookie
    this.#listeners = new Listeners(config)
    this.#flows = new FlowTable(config.maxFlows, config.hashKey)
    this.#requests = new RequestRouter(this.#upstreams, config.routeKeys, config.hashKey, epochNow)
    this.#watch = new UpstreamWatch(config.health, this.#upstreams, this.#flows)
    if (config.recovers === true) this.#recovery = new Recovery(config.hashKey, this.counters, now)
    this.#now = now
    this.#timeout = now
  }

  /** How many client ports there are on UDP, and so the first listener on TCP. */
  get listeners(): number {
    return this.#listeners.firstOnTcp
  }

  /** How many flows are kept. */
  get flows(): number {
    return this.#flows.size
  }

  /** How many upstreams packets may go to. */
  get upstreams(): number {
    return this.#upstreams.size
  }

  /** Writes the five words of an upstream's link endpoint; they may change with `handleUpstreams` only. */
  writeLink(upstream: number, words: Int32Array, at: number): void {
    this.#upstreams.writeLink(upstream, words, at)
  }

  /** Takes the transceivers of a fleet snapshot; returns how many found no room. */
  handleUpstreams(upstreams: readonly Upstream[], now: Millis): number {
    return this.#upstreams.update(upstreams, (index) => this.#flows.flowsTo(index) > 0, now)
  }

  /**
   * Routes the packet of `length` bytes at `start` from the client at `words[wordsAt]`.
   *
   * Returns the upstream's index, with the frame's header written right in front of the packet, where
   * `MAX_FRAME_HEADER_BYTES` must be free; or the negative code of a drop. A packet longer than
   * `MAX_CLIENT_PAYLOAD_BYTES` is dropped unread, so the memory need not hold the rest of it.
   */
  handleClientPacket(
    memory: Uint8Array,
    start: number,
    length: number,
    words: Int32Array,
    wordsAt: number,
  ): number {
    count(this.counters, UPLINK_RECEIVED, 1)
    const upstream = this.#routeClientPacket(memory, start, length, words, wordsAt)
    if (upstream < 0) return this.#drop(upstream)
    count(this.counters, UPLINK_FORWARDED, 1)
    count(this.counters, UPLINK_BYTES, length)
    writeFrameHeader(memory, start - frameHeaderBytes(words, wordsAt), words, wordsAt, 0, length)
    return upstream
  }

  /**
   * Opens the link datagram of `length` bytes at `start` from the sender at `words[wordsAt]`; its frames are
   * valid while the memory is. Returns the sender's index, or the negative code of a drop.
   */
  openLinkDatagram(
    memory: Uint8Array,
    start: number,
    length: number,
    words: Int32Array,
    wordsAt: number,
    now: Millis,
  ): number {
    count(this.counters, LINK_RECEIVED, 1)
    this.#now = now
    this.hasPong = false
    this.#sender = this.#acceptLinkDatagram(memory, start, length, words, wordsAt)
    return this.#sender < 0 ? this.#drop(this.#sender) : this.#sender
  }

  /** Goes to the next packet for a client, obeying the frames on the way; false when the datagram has no more. */
  nextFrame(): boolean {
    if (this.#sender < 0) return false
    while (this.#link.next()) {
      count(this.counters, FRAMES_RECEIVED, 1)
      if (this.#handleFrame()) return true
    }
    this.#sender = -1
    if (this.#link.fault === undefined) return false
    count(this.counters, FRAMES_RECEIVED, 1)
    this.#drop(dropCode(this.#link.fault))
    return false
  }

  /** The packet that `nextFrame` found. */
  get frame(): ClientFrame {
    return this.#link
  }

  /** Lets the flow of a client on TCP go, whose connection has closed: `words[wordsAt]` names it. */
  handleClientClosed(words: Int32Array, wordsAt: number): void {
    if (this.#flows.remove(words, wordsAt)) count(this.counters, FLOWS_CLOSED, 1)
  }

  /** Whether `takeFlowRecords` has anything, after a turn. */
  get hasFlowRecords(): boolean {
    return this.#recovery?.hasRecords === true
  }

  /** Takes out what is to be told and asked about flows, as a batch of the records of `flow-records.ts`. */
  takeFlowRecords(): Int32Array {
    return this.#recovery?.takeRecords() ?? new Int32Array(0)
  }

  /** Takes answers about flows, asked for or not, as such a batch. */
  handleFlowRecords(records: Int32Array, now: Millis): void {
    for (let at = 0; at < records.length; at += RECORD_WORDS) {
      const isRestored = records[at] === FLOW_FOUND && this.#restore(records, at, now)
      this.#recovery?.handleAnswer(records, at + RECORD_CLIENT, isRestored, now)
    }
  }

  /** Sets the wall clock, by which ufrags expire, and removes flows that have gone silent. */
  handleTimeout(epochNow: EpochSeconds, now: Millis): void {
    this.#now = now
    this.#requests.handleTimeout(epochNow)
    const expired = this.#flows.expire(now, MAX_EXPIRED_PER_TIMEOUT)
    count(this.counters, FLOWS_EXPIRED, expired)
    this.#recovery?.handleTimeout(now)
    this.#timeout = millisOf(expired === MAX_EXPIRED_PER_TIMEOUT ? now : now + TIMEOUT_INTERVAL)
    this.#watch.handleTimeout(now)
    this.counters[UPSTREAMS_LOST] = this.#watch.losses
  }

  /** Returns when `handleTimeout` is due. */
  pollTimeout(): Millis {
    return millisOf(Math.min(this.#timeout, this.#watch.pollTimeout()))
  }

  /** Writes the next ping that is due, `LINK_PROBE_BYTES` at `at`, and returns the upstream to send it to, or -1. */
  nextPing(memory: Uint8Array, at: number): number {
    return this.#watch.nextPing(memory, at, this.#cookie)
  }

  #routeClientPacket(
    memory: Uint8Array,
    start: number,
    length: number,
    words: Int32Array,
    wordsAt: number,
  ): number {
    if (length > MAX_CLIENT_PAYLOAD_BYTES) return OVERSIZE
    if (portOf(words, wordsAt) === 0) return PORTLESS_SOURCE
    const kind = classifyPacket(memory, start, length)
    if (kind === 'stun') return this.#routeStun(memory, start, length, words, wordsAt)
    return kind === 'unknown' ? UNKNOWN_CLASS : this.#routeByFlow(words, wordsAt, true)
  }

  /** A Binding request goes where its ufrag says, every time: the client's address may be new, the flow stale. */
  #routeStun(memory: Uint8Array, start: number, length: number, words: Int32Array, wordsAt: number): number {
    const stun = this.#stun
    const stunFault = stun.read(memory, start, length)
    if (stunFault !== undefined) return dropCode(stunFault)
    if (!stun.isBindingRequest) return this.#routeByFlow(words, wordsAt, stun.isBindingResponse)
    const isKnown = this.#flows.find(words, wordsAt) >= 0
    return this.#requests.upstreamOf(memory, stun, words, wordsAt, isKnown, this.#now)
  }

  #routeByFlow(words: Int32Array, wordsAt: number, mayRecover: boolean): number {
    const upstream = this.#flows.find(words, wordsAt)
    if (upstream >= 0) return upstream
    return mayRecover && this.#recovery?.handleMiss(words, wordsAt) === true ? RECOVERING : UNKNOWN_FLOW
  }

  #acceptLinkDatagram(
    memory: Uint8Array,
    start: number,
    length: number,
    words: Int32Array,
    wordsAt: number,
  ): number {
    const sender = this.#upstreams.indexOfLink(words, wordsAt)
    if (sender < 0) return STRANGER
    const fault = this.#link.open(memory, start, length)
    if (fault !== undefined) return dropCode(fault)
    if (this.#link.type === LINK_TYPE_PING) return this.#answerPing(memory, start, sender)
    if (!this.#link.hasCookie(this.#cookie)) return WRONG_COOKIE
    if (this.#link.type !== LINK_TYPE_PONG) return sender
    return this.#watch.handlePong(sender, memory, this.#link, this.#now) ? sender : STRAY_PONG
  }

  /** Any upstream may ask, with whatever cookie it knows: the pong is how it learns this one. */
  #answerPing(memory: Uint8Array, start: number, sender: number): number {
    writeLinkHeader(memory, start, LINK_TYPE_PONG, this.#cookie)
    this.hasPong = true
    count(this.counters, PINGS_ANSWERED, 1)
    return sender
  }

  /** Obeys one frame; true if it carries a packet to send. */
  #handleFrame(): boolean {
    const { client, flags, payloadLength } = this.#link
    if (portOf(client, 0) === 0) return this.#drop(PORTLESS_CLIENT) >= 0
    if (!this.#listeners.has(client[4] ?? 0)) return this.#drop(UNKNOWN_LISTENER) >= 0
    if ((flags & FRAME_FLAG_UNBIND) !== 0) this.#unbind()
    else if ((flags & FRAME_FLAG_BIND) !== 0) this.#bind()
    else this.#flows.refresh(client, 0, this.#sender, this.#now)
    count(this.counters, payloadLength === 0 ? FRAMES_SILENT : DOWNLINK_FORWARDED, 1)
    count(this.counters, DOWNLINK_BYTES, payloadLength)
    return payloadLength > 0
  }

  #bind(): void {
    const { client } = this.#link
    const outcome = this.#flows.bind(client, 0, this.#sender, this.#now)
    count(this.counters, COUNTER_BY_OUTCOME[outcome], 1)
    if (this.#recovery === undefined || outcome === 'held' || outcome === 'full') return
    if (!this.#flows.isUntold(client, 0, this.#now)) return
    const isTold = this.#recovery.handleBound(client, 0, this.#upstreams.routeWordOf(this.#sender))
    if (isTold) this.#flows.markTold(client, 0, this.#now)
  }

  #unbind(): void {
    const { client } = this.#link
    if (!this.#flows.unbind(client, 0, this.#sender)) return
    count(this.counters, FLOWS_UNBOUND, 1)
    this.#recovery?.handleUnbound(client, 0)
  }

  /** Enters the flow of a record, if its route still leads somewhere. */
  #restore(records: Int32Array, at: number, now: Millis): boolean {
    const upstream = this.#upstreams.indexOfRouteWord(records[at + RECORD_ROUTE] ?? 0)
    if (upstream < 0) return false
    const outcome = this.#flows.restore(records, at + RECORD_CLIENT, upstream, now)
    if (outcome === 'bound') count(this.counters, FLOWS_RESTORED, 1)
    return outcome !== 'full'
  }

  #drop(code: number): number {
    count(this.drops, dropIndex(code), 1)
    return code
  }
}

function portOf(words: Int32Array, at: number): number {
  return (words[at + 4] ?? 0) & 0xffff
}

const OVERSIZE = dropCode('oversize')
const PORTLESS_SOURCE = dropCode('portless-source')
const UNKNOWN_CLASS = dropCode('unknown-class')
const UNKNOWN_FLOW = dropCode('unknown-flow')
const RECOVERING = dropCode('recovering')
const STRANGER = dropCode('stranger')
const STRAY_PONG = dropCode('stray-pong')
const WRONG_COOKIE = dropCode('wrong-cookie')
const PORTLESS_CLIENT = dropCode('portless-client')
const UNKNOWN_LISTENER = dropCode('unknown-listener')

const COUNTER_BY_OUTCOME = {
  bound: FLOWS_BOUND,
  refreshed: FLOWS_REFRESHED,
  moved: FLOWS_MOVED,
  held: FLOWS_HELD,
  full: FLOWS_REFUSED,
} as const satisfies Record<BindOutcome, number>

/** How often the wall clock is set and silent flows are looked for. */
const TIMEOUT_INTERVAL = 1_000

/** Bound on flows removed in one go, a few hundred microseconds: packets come first. */
const MAX_EXPIRED_PER_TIMEOUT = 1_024
