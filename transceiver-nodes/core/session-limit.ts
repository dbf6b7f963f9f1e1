/**
 * How long a session may last, and when its client is told: docs/api.md, "The end of a session".
 *
 * The client is warned some time before, and told why when the time is over; a moment later the session ends, so
 * that the last word still arrives. A limit may come nearer (the node drains) but never recedes.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'

/** Why a session may not go on: it has lasted as long as the operator allows, or its node leaves. */
export type SessionLimitReason = 'session-expired' | 'node-draining'

/** What is due: a warning, the last word, or the end. */
export type SessionLimitStep = 'warn' | 'tell' | 'end'

/** The limit of one session. */
export class SessionLimit {
  #reason: SessionLimitReason = 'session-expired'
  #deadline: Millis
  #warnAt: Millis
  #next: SessionLimitStep = 'warn'

  /** Sets the limit to `deadline`. */
  constructor(deadline: Millis) {
    this.#deadline = deadline
    this.#warnAt = millisOf(deadline - WARNING_MILLIS)
  }

  /** Why the session may not go on. */
  get reason(): SessionLimitReason {
    return this.#reason
  }

  /** How long the session may go on, in milliseconds. */
  remaining(now: Millis): number {
    return Math.max(0, this.#deadline - now)
  }

  /** Brings the limit nearer, and has the client warned of it at once; a later one changes nothing. */
  bringForward(deadline: Millis, reason: SessionLimitReason, now: Millis): void {
    if (deadline >= this.#deadline || this.#next === 'end') return
    this.#deadline = deadline
    this.#reason = reason
    this.#warnAt = now
    this.#next = 'warn'
  }

  /** When `handleTimeout` is due. */
  pollTimeout(): Millis {
    if (this.#next === 'warn') return this.#warnAt
    return this.#next === 'tell' ? this.#deadline : millisOf(this.#deadline + FAREWELL_MILLIS)
  }

  /** Returns what is due, one step at a time; undefined: nothing. */
  handleTimeout(now: Millis): SessionLimitStep | undefined {
    if (now < this.pollTimeout()) return undefined
    const due = this.#next
    this.#next = due === 'warn' ? 'tell' : 'end'
    return due
  }
}

/** How long before the end a client is warned. */
export const WARNING_MILLIS = 60_000
/** From the last word to the end: time for a data channel to deliver it, and to repeat a packet that was lost. */
export const FAREWELL_MILLIS = 300
