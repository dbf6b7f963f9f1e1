/**
 * How many checks of unknown clients are looked into, per network: docs/relay.md, "Unknown sources".
 *
 * To open a ufrag is the dearest thing that a stranger can have a relay do, and to forward it the dearest that he can
 * have a transceiver do. A network is an IPv4 /24 or an IPv6 /56. Each has a token bucket, kept as the one number
 * that the generic cell rate algorithm needs (ITU-T I.371 annex A): the time at which it will be full again. Networks
 * share buckets by a keyed hash, so memory is fixed, nothing is ever evicted, and nobody can choose whom to starve.
 */

import { isIpv4Words } from '#shared/endpoint'
import { halfSipHash } from '#shared/half-sip-hash'
import type { Millis } from '#shared/time'

/** The budgets of all networks. */
export class SourceBudget {
  readonly #fullAt = new Float64Array(BUCKETS)
  readonly #key: readonly [number, number]

  /** `hashKey` is random, so that nobody can choose networks that share a bucket. */
  constructor(hashKey: readonly [number, number]) {
    this.#key = hashKey
  }

  /** Takes a check of the client at `words[at]` off its network's budget; false: there is nothing left. */
  take(words: Int32Array, at: number, now: Millis): boolean {
    const bucket = this.#bucketOf(words, at)
    const fullAt = Math.max(this.#fullAt[bucket] ?? 0, now) + MILLIS_PER_CHECK
    if (fullAt > now + SOURCE_BURST * MILLIS_PER_CHECK) return false
    this.#fullAt[bucket] = fullAt
    return true
  }

  #bucketOf(words: Int32Array, at: number): number {
    const lastWord = isIpv4Words(words, at) ? 3 : 1
    const last = (words[at + lastWord] ?? 0) & LAST_BYTE_CLEARED
    return halfSipHash(words, at, lastWord, last, this.#key[0], this.#key[1]) & (BUCKETS - 1)
  }
}

/**
 * Checks of one network that are looked into at once: what 2,000 calls behind one carrier's NAT send to a relay that
 * has just restarted, before the first answers bind them.
 */
export const SOURCE_BURST = 8_192

/** And per second in the long run: 250 new calls each second, at four paths and two checks. */
export const SOURCE_RATE = 2_048

/** Eight bytes each. */
const BUCKETS = 65_536

const MILLIS_PER_CHECK = 1_000 / SOURCE_RATE

/** From an address to its IPv4 /24 in word 3, or its IPv6 /56 in word 1. */
const LAST_BYTE_CLEARED = 0xffffff00
