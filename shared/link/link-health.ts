/**
 * Knows which peers of the link still answer, by pings: docs/link.md, "Ping and pong".
 *
 * Both ends use it: a transceiver watches the links of its relays, a relay its upstreams; a peer is a small number
 * that the caller gives it. Only peers that carry traffic are pinged, so a fleet without calls is quiet. A peer is
 * lost when three pings in a row have gone unanswered for three intervals, and back with its first pong. Pings that
 * could not be sent, because this process was busy or suspended, count for nothing: a node that wakes up does not
 * believe that everybody else has died.
 */

import { equalBytes } from '../bytes.ts'
import { millisOf } from '../time.ts'
import type { Millis } from '../time.ts'
import { LINK_TOKEN_BYTES } from './frame.ts'

/** A ping to send: the token of 8 bytes that its pong must repeat. */
export interface LinkPing {
  readonly peer: number
  readonly token: Uint8Array
}

/** The health of every peer that carries traffic. */
export class LinkHealth {
  /** How often a peer was lost. */
  losses = 0
  readonly #watchByPeer = new Map<number, Watch>()
  readonly #randomBytes: (length: number) => Uint8Array
  readonly #pings: LinkPing[] = []

  /** Tokens come from `randomBytes`: who cannot read the link must not guess them. */
  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes
  }

  /** Takes note that packets go to `peer`: it is watched for as long as they do. */
  noteTraffic(peer: number, now: Millis): void {
    const watch = this.#watchByPeer.get(peer)
    if (watch === undefined) this.#watchByPeer.set(peer, new Watch(now))
    else watch.trafficAt = now
  }

  /** Watches `peer` no longer. */
  forget(peer: number): void {
    this.#watchByPeer.delete(peer)
  }

  /** Takes a pong of `peer`; false if its token answers no ping of the last seconds, and so proves nothing. */
  handlePong(peer: number, token: Uint8Array, now: Millis): boolean {
    return this.#watchByPeer.get(peer)?.handlePong(token, now) ?? false
  }

  /** Tells whether `peer` is watched and does not answer. */
  isLost(peer: number): boolean {
    return this.#watchByPeer.get(peer)?.isLost ?? false
  }

  /** How many of the watched peers do not answer. */
  get lost(): number {
    let lost = 0
    for (const watch of this.#watchByPeer.values()) lost += Number(watch.isLost)
    return lost
  }

  /** How many peers are watched. */
  get watched(): number {
    return this.#watchByPeer.size
  }

  /** The round trip of the last pong of `peer`. */
  roundTripMillis(peer: number): number | undefined {
    return this.#watchByPeer.get(peer)?.roundTripMillis
  }

  /** When `handleTimeout` is due; `undefined` while nobody is watched. */
  pollTimeout(): Millis | undefined {
    let earliest: Millis | undefined
    for (const { pingAt } of this.#watchByPeer.values()) {
      if (earliest === undefined || pingAt < earliest) earliest = pingAt
    }
    return earliest
  }

  /** Finds out who is lost, forgets who carries no traffic any more, and queues the pings that are due. */
  handleTimeout(now: Millis): void {
    for (const [peer, watch] of this.#watchByPeer) {
      if (now >= watch.trafficAt + TRAFFIC_LIFETIME) this.#watchByPeer.delete(peer)
      else if (now >= watch.pingAt) this.#ping(peer, watch, now)
    }
  }

  /** Takes the next ping to send. */
  nextPing(): LinkPing | undefined {
    return this.#pings.shift()
  }

  #ping(peer: number, watch: Watch, now: Millis): void {
    const token = this.#randomBytes(LINK_TOKEN_BYTES)
    if (watch.ping(token, now)) this.losses++
    this.#pings.push({ peer, token })
  }
}

/** What is known of one peer. */
class Watch {
  isLost = false
  trafficAt: Millis
  pingAt: Millis
  roundTripMillis: number | undefined = undefined
  /** When it answered last; before it ever has, a time that gives it `FIRST_PONG_WAIT`. */
  #heardAt: Millis
  /** Pings sent since it answered last. */
  #unanswered = 0
  /** The latest pings that no pong has answered, the oldest first. */
  #open: { readonly token: Uint8Array; readonly sentAt: Millis }[] = []

  constructor(now: Millis) {
    this.trafficAt = now
    this.pingAt = now
    this.#heardAt = millisOf(now + FIRST_PONG_WAIT - LOST_AFTER)
  }

  /** Takes note of a ping that is sent; true if the peer is found to be lost. */
  ping(token: Uint8Array, now: Millis): boolean {
    const wasLost = this.isLost
    this.isLost ||= this.#unanswered >= LOST_PINGS && now >= this.#heardAt + LOST_AFTER
    this.#unanswered++
    this.#open.push({ token, sentAt: now })
    if (this.#open.length > MAX_OPEN_PINGS) this.#open.shift()
    this.pingAt = millisOf(now + PING_INTERVAL)
    return this.isLost && !wasLost
  }

  handlePong(token: Uint8Array, now: Millis): boolean {
    const index = this.#open.findIndex((ping) => equalBytes(ping.token, token))
    const [ping] = index < 0 ? [] : this.#open.splice(index, 1)
    if (ping === undefined) return false
    this.roundTripMillis = now - ping.sentAt
    this.#heardAt = now
    this.#unanswered = 0
    this.isLost = false
    return true
  }
}

/** How often a peer with traffic is pinged; four intervals are the most that a loss goes unnoticed. */
export const PING_INTERVAL = 60

/** Pings in a row without an answer that make a peer lost, and how long nothing may have come back meanwhile. */
const LOST_PINGS = 3
const LOST_AFTER = LOST_PINGS * PING_INTERVAL

/** How long a peer has for its very first pong: across the world, with a first packet lost. */
const FIRST_PONG_WAIT = 1_000

/** How long a peer is watched after the last packet to it: two consent checks, RFC 7675 section 5.1. */
export const TRAFFIC_LIFETIME = 12_000

/** Bound on pings whose pong still counts: nearly a second of them. */
const MAX_OPEN_PINGS = 16
