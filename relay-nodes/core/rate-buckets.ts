/**
 * Token buckets by hash, in fixed memory: so many at once, so many per second in the long run.
 *
 * A bucket is the one number that the generic cell rate algorithm needs (ITU-T I.371 annex A): the time at which it
 * will be full again. What shares a bucket shares its tokens; nothing is ever evicted. With a keyed hash, nobody can
 * choose whom to share with.
 */

import type { Millis } from '#shared/time'

/** Buckets of one burst and one rate. */
export class RateBuckets {
  readonly #fullAt = new Float64Array(BUCKETS)
  readonly #burstMillis: number
  readonly #millisPerToken: number

  constructor(burst: number, perSecond: number) {
    this.#millisPerToken = 1_000 / perSecond
    this.#burstMillis = burst * this.#millisPerToken
  }

  /** Takes a token out of the bucket of a hash; false: it is empty. */
  take(hash: number, now: Millis): boolean {
    const bucket = hash & (BUCKETS - 1)
    const fullAt = Math.max(this.#fullAt[bucket] ?? 0, now) + this.#millisPerToken
    if (fullAt > now + this.#burstMillis) return false
    this.#fullAt[bucket] = fullAt
    return true
  }
}

/** Eight bytes each. */
const BUCKETS = 65_536
