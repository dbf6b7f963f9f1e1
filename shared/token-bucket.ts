/** A token bucket: so many at once, so many per second in the long run. */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'

/** Counts what may still be done. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #filledAt: Millis

  /** Starts full, with `burst` tokens. */
  constructor(burst: number, perSecond: number, now: Millis) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#filledAt = now
  }

  /** Takes a token; false if there is none. */
  take(now: Millis): boolean {
    return this.takeMany(1, now)
  }

  /** Takes `count` tokens; false, and none is taken, if there are not as many. */
  takeMany(count: number, now: Millis): boolean {
    this.#fill(now)
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** Returns when `take` succeeds next. */
  nextAt(now: Millis): Millis {
    this.#fill(now)
    return millisOf(now + (Math.max(0, 1 - this.#tokens) * 1_000) / this.#perSecond)
  }

  #fill(now: Millis): void {
    const earned = ((now - this.#filledAt) / 1_000) * this.#perSecond
    this.#tokens = Math.min(this.#burst, this.#tokens + earned)
    this.#filledAt = now
  }
}
