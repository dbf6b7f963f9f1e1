/**
 * How many checks of unknown clients reach one session: docs/relay.md, "Unknown sources".
 *
 * A ufrag is no secret, so anybody who has seen one can send checks that route, from as many sources as he can spoof.
 * What they have in common is the session, which he cannot forge: each costs its transceiver an HMAC.
 */

import { halfSipHash } from '#shared/half-sip-hash'
import type { Millis } from '#shared/time'
import { RateBuckets } from './rate-buckets.ts'

/** The budgets of all sessions. */
export class SessionBudget {
  readonly #buckets = new RateBuckets(SESSION_BURST, SESSION_RATE)
  readonly #key: readonly [number, number]
  readonly #words = new Int32Array(1)

  /** `hashKey` is random, so that nobody can choose sessions that share a bucket. */
  constructor(hashKey: readonly [number, number]) {
    this.#key = hashKey
  }

  /** Takes a check off the budget of a session of the transceiver `upstream`; false: there is nothing left. */
  take(upstream: number, session: number, now: Millis): boolean {
    this.#words[0] = upstream
    return this.#buckets.take(halfSipHash(this.#words, 0, 1, session, this.#key[0], this.#key[1]), now)
  }
}

/** Checks from unknown clients that one session is sent at once: a browser that is not answered sends 20 a second. */
export const SESSION_BURST = 256

/** And per second in the long run. */
export const SESSION_RATE = 64
