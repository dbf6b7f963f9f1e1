/**
 * Which TCP connections are kept, and for how long: docs/tcp.md, "Limits".
 *
 * A connection is half-open until a transceiver has answered its client, and lives for as long as the client takes
 * what a transceiver sends. What the client sends prolongs nothing, so a place cannot be held by talking. When all
 * places are taken, a newcomer gets that of the connection that has been half-open the longest: honest clients are
 * answered within a round trip, so a flood displaces itself.
 *
 * A connection's slot is below `maxConnections` and its own until it ends.
 */

import { ENDPOINT_WORDS, IPV4_MAPPED_WORD, isIpv4Words } from '#shared/endpoint'
import { EndpointTable } from '#shared/endpoint-table'
import type { Millis } from '#shared/time'

export interface TcpLimits {
  readonly maxConnections: number
  /** Connections of one IPv4 address or IPv6 /56, which is what one subscriber has. */
  readonly maxPerSource: number
  /** How long a connection may be half-open. */
  readonly answerTimeout: number
  /** How long an answered one may take nothing. */
  readonly idleTimeout: number
}

/** Why connections end, those that are refused at once included. */
export const TCP_END_REASONS = [
  'connections-full',
  'source-full',
  'displaced',
  'replaced',
  'half-open',
  'idle',
  'packet-too-long',
  'client-closed',
] as const

export type TcpEndReason = (typeof TCP_END_REASONS)[number]

/** Connections by the words of their client. */
export class TcpConnections {
  readonly #limits: TcpLimits
  readonly #onEnd: (slot: number) => void
  readonly #connections: EndpointTable
  readonly #deadlines: Float64Array
  /** Slots, those that have waited longest first. */
  readonly #halfOpen = new Set<number>()
  readonly #sources: EndpointTable
  readonly #countBySource: Int32Array
  readonly #sourceBySlot: Int32Array
  readonly #source = new Int32Array(ENDPOINT_WORDS)
  readonly #endsByReason = new Map<TcpEndReason, number>(TCP_END_REASONS.map((reason) => [reason, 0]))

  /** `hashKey` is random; `onEnd` is told of each slot that ends, just before it is free. */
  constructor(limits: TcpLimits, hashKey: readonly [number, number], onEnd: (slot: number) => void) {
    this.#limits = limits
    this.#onEnd = onEnd
    this.#connections = new EndpointTable(limits.maxConnections, hashKey)
    this.#deadlines = new Float64Array(limits.maxConnections).fill(Infinity)
    this.#sources = new EndpointTable(limits.maxConnections, hashKey)
    this.#countBySource = new Int32Array(limits.maxConnections)
    this.#sourceBySlot = new Int32Array(limits.maxConnections)
  }

  get size(): number {
    return this.#connections.size
  }

  get halfOpen(): number {
    return this.#halfOpen.size
  }

  /** How many connections have ended, for each reason. */
  get endsByReason(): ReadonlyMap<TcpEndReason, number> {
    return this.#endsByReason
  }

  /** Takes in the connection of the client at `words[at]` and returns its slot, or -1 if it is refused. */
  admit(words: Int32Array, at: number, now: Millis): number {
    const known = this.find(words, at)
    if (known >= 0) this.end(known, 'replaced')
    this.#writeSource(words, at)
    if (this.#connectionsOfSource() >= this.#limits.maxPerSource) return this.#refuse('source-full')
    if (this.size === this.#limits.maxConnections && !this.#displace())
      return this.#refuse('connections-full')
    const slot = this.#connections.insert(words, at, SCOPE, now)
    this.#deadlines[slot] = now + this.#limits.answerTimeout
    this.#halfOpen.add(slot)
    this.#enterSource(slot, now)
    return slot
  }

  /** Returns the slot of the client at `words[at]`, or -1. */
  find(words: Int32Array, at: number): number {
    return this.#connections.find(words, at, SCOPE)
  }

  /** Takes note that a client has taken a packet of a transceiver's. */
  handleDelivery(slot: number, now: Millis): void {
    this.#halfOpen.delete(slot)
    this.#deadlines[slot] = now + this.#limits.idleTimeout
  }

  /** Ends connections whose time is over. */
  handleTimeout(now: Millis): void {
    for (let slot = 0; slot < this.#deadlines.length; slot++) {
      if ((this.#deadlines[slot] ?? Infinity) > now) continue
      this.end(slot, this.#halfOpen.has(slot) ? 'half-open' : 'idle')
    }
  }

  /** Ends a connection, for a reason of its shell's or of this table's. */
  end(slot: number, reason: TcpEndReason): void {
    this.#count(reason)
    this.#onEnd(slot)
    this.#connections.remove(slot)
    this.#deadlines[slot] = Infinity
    this.#halfOpen.delete(slot)
    this.#leaveSource(slot)
  }

  #refuse(reason: TcpEndReason): -1 {
    this.#count(reason)
    return -1
  }

  #displace(): boolean {
    const [slot] = this.#halfOpen
    if (slot !== undefined) this.end(slot, 'displaced')
    return slot !== undefined
  }

  #count(reason: TcpEndReason): void {
    this.#endsByReason.set(reason, (this.#endsByReason.get(reason) ?? 0) + 1)
  }

  /** The address, or the first 56 bits of an IPv6 address. */
  #writeSource(words: Int32Array, at: number): void {
    const isIpv4 = isIpv4Words(words, at)
    this.#source[0] = words[at] ?? 0
    this.#source[1] = (words[at + 1] ?? 0) & 0xffffff00
    this.#source[2] = isIpv4 ? IPV4_MAPPED_WORD : 0
    this.#source[3] = isIpv4 ? (words[at + 3] ?? 0) : 0
  }

  #connectionsOfSource(): number {
    return this.#countBySource[this.#sources.find(this.#source, 0, SCOPE)] ?? 0
  }

  #enterSource(slot: number, now: Millis): void {
    const source = this.#sources.insert(this.#source, 0, SCOPE, now)
    this.#sourceBySlot[slot] = source
    this.#countBySource[source] = (this.#countBySource[source] ?? 0) + 1
  }

  #leaveSource(slot: number): void {
    const source = this.#sourceBySlot[slot] ?? 0
    const left = (this.#countBySource[source] ?? 0) - 1
    this.#countBySource[source] = left
    if (left === 0) this.#sources.remove(source)
  }
}

/** All connections of a relay are in one scope, and so are all sources. */
const SCOPE = 0
