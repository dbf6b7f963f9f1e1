/**
 * When each session wants its timeouts handled, by its row: beside each other, so that a tick need not ask every
 * session's ICE, DTLS and limit, which lie all over the memory. docs/transceiver.md, "A session at a time".
 *
 * What is kept may be too early, since every packet puts off the end of a silence: then the session is asked again.
 * It may be too late by `ASK_INTERVAL` where something else than a packet has brought a deadline forward.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'

/** The deadlines of all sessions of a thread. */
export class SessionDeadlines {
  readonly #askAt: Float64Array

  /** Rows are below `sessions`. */
  constructor(sessions: number) {
    this.#askAt = new Float64Array(sessions)
  }

  /** Tells whether the session in `row` is to be asked for its deadline. */
  mayBeDue(row: number, now: Millis): boolean {
    return now >= (this.#askAt[row] ?? 0)
  }

  /** Keeps the deadline of the session in `row`; undefined: it has none. */
  keep(row: number, deadline: Millis | undefined, now: Millis): void {
    const latest = millisOf(now + ASK_INTERVAL)
    this.#askAt[row] = deadline === undefined || latest < deadline ? latest : deadline
  }

  /** Forgets the deadline of the session in `row`: something has happened to it. */
  forget(row: number): void {
    this.#askAt[row] = 0
  }

  /** Forgets all: something has happened that every session may have to do with. */
  forgetAll(): void {
    this.#askAt.fill(0)
  }
}

/** No deadline but a session's own packets and the loss of a relay is in more of a hurry. */
export const ASK_INTERVAL = 100
