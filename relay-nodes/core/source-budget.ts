/**
 * How many checks of unknown clients are looked into, per network: docs/relay.md, "Unknown sources".
 *
 * To open a ufrag is the dearest thing that a stranger can have a relay do. A network is an IPv4 /24 or an IPv6 /56.
 */

import { isIpv4Words } from '#shared/endpoint'
import { halfSipHash } from '#shared/half-sip-hash'
import type { Millis } from '#shared/time'
import { RateBuckets } from './rate-buckets.ts'

/** The budgets of all networks. */
export class SourceBudget {
  readonly #buckets = new RateBuckets(SOURCE_BURST, SOURCE_RATE)
  readonly #key: readonly [number, number]

  /** `hashKey` is random, so that nobody can choose networks that share a bucket. */
  constructor(hashKey: readonly [number, number]) {
    this.#key = hashKey
  }

  /** Takes a check of the client at `words[at]` off its network's budget; false: there is nothing left. */
  take(words: Int32Array, at: number, now: Millis): boolean {
    const lastWord = isIpv4Words(words, at) ? 3 : 1
    const last = (words[at + lastWord] ?? 0) & LAST_BYTE_CLEARED
    return this.#buckets.take(halfSipHash(words, at, lastWord, last, this.#key[0], this.#key[1]), now)
  }
}

/**
 * Checks of one network that are looked into at once: what 2,000 calls behind one carrier's NAT send to a relay that
 * has just restarted, before the first answers bind them.
 */
export const SOURCE_BURST = 8_192

/** And per second in the long run: 250 new calls each second, at four paths and two checks. */
export const SOURCE_RATE = 2_048

/** From an address to its IPv4 /24 in word 3, or its IPv6 /56 in word 1. */
const LAST_BYTE_CLEARED = 0xffffff00
