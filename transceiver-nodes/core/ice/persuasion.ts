/**
 * Brings a client that clings to its own choice to the path that is nominated: by one hush, at the beginning of a call.
 * docs/ice.md, "A client that clings to its own choice".
 */

import type { Millis } from '#shared/time'
import { Hush } from './hush.ts'
import type { Answer } from './hush.ts'
import type { IcePath } from './path.ts'
import { SILENCE } from './path-choice.ts'
import type { IsLinkLost } from './path-choice.ts'

/** How a hush has ended. */
export interface HushEnd {
  /** What was withheld, and is to be sent now. */
  readonly answers: readonly Answer[]
  /** Where the client is and stays; undefined: it has followed, or has gone. */
  readonly stays: IcePath | undefined
}

/** The persuasion of one client. */
export class Persuasion {
  readonly #isLinkLost: IsLinkLost
  #hush: Hush | undefined
  #isAllowed = false

  constructor(isLinkLost: IsLinkLost) {
    this.#isLinkLost = isLinkLost
  }

  /** Whether a hush is under way. */
  get isUnderWay(): boolean {
    return this.#hush !== undefined
  }

  /** When `handleTimeout` wants to be called. */
  pollTimeout(): Millis | undefined {
    return this.#hush?.pollTimeout()
  }

  /** Allows one hush: the call has been put on the path that it is to be held on. */
  allow(): void {
    this.#isAllowed = true
  }

  /** Ends it, and allows no more: the call has been moved. */
  forbid(): void {
    this.#hush = undefined
    this.#isAllowed = false
  }

  /** Takes an answer that would be sent now; returns the one to send instead, if there is any. */
  handleAnswer(answer: Answer, now: Millis): Answer | undefined {
    return this.#hush === undefined ? answer : this.#hush.handleAnswer(answer, now)
  }

  /**
   * Falls silent on the path that the client uses in spite of the nomination, and returns it; undefined: that is not why
   * none is heard on the path that the call is held on.
   */
  begin(held: IcePath, paths: readonly IcePath[], now: Millis): IcePath | undefined {
    if (!this.#isAllowed || held.isTcp || this.#isLinkLost(held.link)) return undefined
    const others = paths.filter((path) => path !== held && path.isValid && !path.isTcp)
    const clung = others.toSorted((a, b) => b.heardAt - a.heardAt)[0]
    if (clung === undefined || !isClungTo(clung, held)) return undefined
    this.#isAllowed = false
    const awaited = others.filter((path) => path !== clung && !this.#isLinkLost(path.link))
    this.#hush = new Hush(clung, held, awaited, now)
    clung.checkAt = this.#hush.endsAt
    return clung
  }

  /** Ends a hush that is over; a client that has not followed has its way. */
  handleTimeout(now: Millis): HushEnd | undefined {
    const hush = this.#hush
    if (hush === undefined || now < hush.pollTimeout()) return undefined
    const verdict = this.#isLinkLost(hush.nominated.link) ? 'failed' : hush.verdict(now)
    if (verdict === undefined) return undefined
    this.#hush = undefined
    hush.clung.checkAt = now
    const stays = verdict === 'failed' && now < hush.clung.heardAt + SILENCE ? hush.clung : undefined
    return { answers: hush.answersInTheEnd(), stays }
  }

  /** Takes note that a path is given up. */
  forget(path: IcePath): void {
    if (path === this.#hush?.clung) this.#hush = undefined
  }
}

/** Tells whether a client sends by `clung`, while it only answers our checks on the path that is nominated. */
function isClungTo(clung: IcePath, nominated: IcePath): boolean {
  const speaksUnasked = clung.heardAt !== clung.consentAt && clung.heardAt > nominated.heardAt + SILENCE / 2
  return speaksUnasked && nominated.heardAt === nominated.consentAt
}
