/**
 * Sends the agent's own checks, in the role that it has at the time: RFC 8445 sections 7.2.4 and 7.2.5.1, and the
 * NOMINATION of draft-thatcher-ice-renomination-01.
 */

import { findAttribute } from '#shared/stun/message'
import type { StunMessage } from '#shared/stun/message'
import { readErrorCode } from '#shared/stun/attributes'
import { ATTRIBUTE_ERROR_CODE, ERROR_ROLE_CONFLICT } from '#shared/stun/registry'
import type { Millis } from '#shared/time'
import { Checks } from './checks.ts'
import type { Check, CheckKind } from './checks.ts'
import type { IceCommands } from './commands.ts'
import type { Generation, Generations } from './credentials.ts'
import { bindingRequest } from './messages.ts'
import type { IcePath } from './path.ts'

/** The checks of one agent. */
export class Prober {
  /** The checks under way. */
  readonly checks = new Checks()
  readonly #generations: Generations
  readonly #randomBytes: (length: number) => Uint8Array
  readonly #commands: IceCommands
  readonly #tieBreaker = new Uint8Array(8).fill(0xff)
  #isControlling = true
  #roleSwitches = 0

  constructor(generations: Generations, randomBytes: (length: number) => Uint8Array, commands: IceCommands) {
    this.#generations = generations
    this.#randomBytes = randomBytes
    this.#commands = commands
  }

  /** Checks a path. */
  check(path: IcePath, kind: 'ordinary' | 'consent', now: Millis, generation?: Generation): void {
    this.#send(path, kind, generation ?? this.#generations.current, undefined, now)
  }

  /** Checks a path and nominates it, with a number that is higher than all before; no other is nominated any more. */
  nominate(path: IcePath, number: number, now: Millis): void {
    this.checks.abandon((check) => check.kind === 'nominate')
    const nomination = this.#isControlling ? number : undefined
    this.#send(path, 'nominate', this.#generations.current, nomination, now)
  }

  /** Sends again what is due; returns the checks that nobody has answered in time. */
  resend(now: Millis): Check[] {
    const unanswered: Check[] = []
    for (let due = this.checks.nextDue(now); due !== undefined; due = this.checks.nextDue(now)) {
      if (due.verdict === 'give-up') unanswered.push(due.check)
      else this.#transmit(due.check.path, due.check.request)
    }
    return unanswered
  }

  /** RFC 8445 section 7.2.5.1: on a role conflict that the peer won, switches and tries again. */
  handleError(message: StunMessage, check: Check, now: Millis): void {
    const value = findAttribute(message, ATTRIBUTE_ERROR_CODE)
    const isConflict = value !== undefined && readErrorCode(value)?.code === ERROR_ROLE_CONFLICT
    if (!isConflict || this.#roleSwitches >= MAX_ROLE_SWITCHES) return
    if (this.#isControlling === check.isControlling) this.#roleSwitches++
    this.#isControlling = !check.isControlling
    this.check(check.path, 'ordinary', now, check.generation)
  }

  #send(
    path: IcePath,
    kind: CheckKind,
    generation: Generation,
    nomination: number | undefined,
    now: Millis,
  ): void {
    const isControlling = this.#isControlling
    const transactionId = this.#randomBytes(12)
    const request = bindingRequest(transactionId, {
      username: generation.remoteUsername,
      mac: generation.remoteMac,
      tieBreaker: this.#tieBreaker,
      isControlling,
      nomination,
    })
    this.checks.begin({ path, transactionId, request, kind, generation, isControlling }, now)
    this.#transmit(path, request)
  }

  #transmit(path: IcePath, message: Uint8Array): void {
    this.#commands.push({ type: 'transmit', path, message, binds: false })
  }
}

/** A peer that answers every role with a conflict is left alone after this many. */
const MAX_ROLE_SWITCHES = 4
