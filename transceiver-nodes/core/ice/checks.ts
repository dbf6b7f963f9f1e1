/**
 * The agent's own STUN transactions: RFC 8489 section 6.2.1 with the timing of docs/ice.md.
 *
 * A check is a Binding request sent on one path. Ordinary and nominating checks are retransmitted; consent
 * checks are not, RFC 7675 section 5.1 sends a fresh one instead.
 */

import { toHex } from '#shared/bytes'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { Generation } from './credentials.ts'
import type { IcePath } from './path.ts'

/** One outstanding transaction. */
export interface Check {
  readonly path: IcePath
  readonly transactionId: Uint8Array
  readonly request: Uint8Array
  readonly kind: CheckKind
  /** The credentials that it was sent under. */
  readonly generation: Generation
  /** The role that it claims. */
  readonly isControlling: boolean
  readonly sentAt: Millis
  /** Whether it was sent more than once, so that its answer measures nothing. */
  isResent: boolean
  /** How many times it may still be sent. */
  sendsLeft: number
  /** When it is sent again, or given up when no sends are left. */
  dueAt: Millis
  intervalMillis: number
}

/** A check that is about to be sent. */
export type NewCheck = Pick<
  Check,
  'path' | 'transactionId' | 'request' | 'kind' | 'generation' | 'isControlling'
>

/** What happened to a check whose time had come. */
export type DueCheck = { readonly check: Check; readonly verdict: 'resend' | 'give-up' }

/** The outstanding checks of one agent, bounded; the oldest gives way. */
export class Checks {
  readonly #byTransaction = new Map<string, Check>()

  /** Registers a check that is being sent now. */
  begin(check: NewCheck, now: Millis): void {
    if (this.#byTransaction.size >= MAX_OUTSTANDING_CHECKS) this.#dropOldest()
    const retransmits = check.kind !== 'consent'
    this.#byTransaction.set(toHex(check.transactionId), {
      ...check,
      sentAt: now,
      isResent: false,
      sendsLeft: retransmits ? MAX_SENDS - 1 : 0,
      dueAt: millisOf(now + (retransmits ? INITIAL_RTO : CONSENT_RESPONSE_WAIT)),
      intervalMillis: INITIAL_RTO,
    })
  }

  /** Finds the check that a response belongs to. */
  find(transactionId: Uint8Array): Check | undefined {
    return this.#byTransaction.get(toHex(transactionId))
  }

  /** Ends a check that has been answered. */
  end(check: Check): void {
    this.#byTransaction.delete(toHex(check.transactionId))
  }

  /** Abandons the checks that match. */
  abandon(matches: (check: Check) => boolean): void {
    for (const [key, check] of this.#byTransaction) if (matches(check)) this.#byTransaction.delete(key)
  }

  /** Tells whether a check that matches is under way. */
  some(matches: (check: Check) => boolean): boolean {
    for (const check of this.#byTransaction.values()) if (matches(check)) return true
    return false
  }

  /** Takes out the next check whose time has come and schedules its next one. */
  nextDue(now: Millis): DueCheck | undefined {
    for (const [key, check] of this.#byTransaction) {
      if (check.dueAt > now) continue
      if (check.sendsLeft === 0) {
        this.#byTransaction.delete(key)
        return { check, verdict: 'give-up' }
      }
      check.sendsLeft--
      check.isResent = true
      check.intervalMillis = Math.min(check.intervalMillis * 2, MAX_RTO)
      check.dueAt = millisOf(now + check.intervalMillis)
      return { check, verdict: 'resend' }
    }
    return undefined
  }

  /** The earliest time at which `nextDue` has something. */
  pollTimeout(): Millis | undefined {
    let earliest: Millis | undefined
    for (const { dueAt } of this.#byTransaction.values())
      if (earliest === undefined || dueAt < earliest) earliest = dueAt
    return earliest
  }

  #dropOldest(): void {
    const { value } = this.#byTransaction.keys().next()
    if (value !== undefined) this.#byTransaction.delete(value)
  }
}

/** Why a check is sent. */
export type CheckKind = 'ordinary' | 'nominate' | 'consent'

/**
 * First retransmission. RFC 8445 section 14.3 asks for at least 500 ms; the media round trip of a nearby VIP
 * is far below, there are at most a handful of paths, and setup time counts: docs/ice.md.
 */
const INITIAL_RTO = 100
/** Longest interval between two sends of one check. */
const MAX_RTO = 1600
/** Sends of one check in all, RFC 8489 section 6.2.1 (Rc). */
const MAX_SENDS = 7
/** How long a consent check may stay unanswered before it is forgotten. */
const CONSENT_RESPONSE_WAIT = 2000
/** Bound on transactions kept for one session. */
const MAX_OUTSTANDING_CHECKS = 32
