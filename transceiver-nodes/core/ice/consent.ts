/**
 * Consent, RFC 7675: when each path is asked again, when one is given up, and when the session must end. docs/ice.md,
 * "Life of a path".
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { IcePath } from './path.ts'
import { CONSENT_INTERVAL } from './path-choice.ts'

/** The client's consent to receive, on the paths of one session. */
export class Consent {
  readonly #randomBytes: (length: number) => Uint8Array
  #lastGivenAt: Millis

  /** A client that never comes is waited for as long as one that has gone. */
  constructor(randomBytes: (length: number) => Uint8Array, now: Millis) {
    this.#randomBytes = randomBytes
    this.#lastGivenAt = now
  }

  /** Takes note that a check was answered on `path`. */
  give(path: IcePath, now: Millis): void {
    path.consentAt = now
    this.#lastGivenAt = now
  }

  /** A client that is back is asked soon, so that consent which nobody could give meanwhile does not expire. */
  hasten(path: IcePath, now: Millis): void {
    const isOverdue = path.consentAt !== undefined && now >= path.consentAt + CONSENT_OVERDUE
    if (isOverdue) path.checkAt = millisOf(Math.min(path.checkAt, now + HASTY_CHECK_WAIT))
  }

  /** RFC 7675 section 5.1: a random factor of 0.8 to 1.2 keeps sessions from checking in step. */
  nextCheckAt(now: Millis): Millis {
    const random = (this.#randomBytes(1)[0] ?? 0) / 255
    return millisOf(now + CONSENT_INTERVAL * (0.8 + 0.4 * random))
  }

  /** When consent expires on all paths, and the session must end. */
  get expiresAt(): Millis {
    return millisOf(this.#lastGivenAt + CONSENT_LIFETIME)
  }

  /** When one of `paths` is to be checked or given up; one that media takes before any is valid stays. */
  pollTimeout(paths: readonly IcePath[], selected: IcePath | undefined): Millis {
    let earliest: number = this.expiresAt
    for (const path of paths) {
      if (path.isValid) earliest = Math.min(earliest, path.checkAt)
      if (path.isValid || path !== selected) earliest = Math.min(earliest, endOf(path))
    }
    return millisOf(earliest)
  }
}

/** When a path is given up: consent has expired, or nobody who never gave it has spoken. */
export function endOf(path: IcePath): Millis {
  return millisOf((path.consentAt ?? path.heardAt) + CONSENT_LIFETIME)
}

/** A path whose last answer is older than this has missed one. */
const CONSENT_OVERDUE = 1.5 * CONSENT_INTERVAL
/** Consent expires this long after the last answered check, RFC 7675 section 5.1. */
const CONSENT_LIFETIME = 30_000
/** How soon a client that is back is asked. */
const HASTY_CHECK_WAIT = 200
