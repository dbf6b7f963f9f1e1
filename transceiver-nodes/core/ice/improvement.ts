/**
 * Moves for the better, and the rest between them: at most one comparison at a time, and each move doubles the pause.
 * docs/ice.md, "A clearly better path".
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { Contest } from './contest.ts'
import type { IcePath } from './path.ts'
import { challengerOf } from './path-choice.ts'
import type { IsLinkLost } from './path-choice.ts'

/** The search of one call for a path that is clearly better. */
export class Improvement {
  readonly #isLinkLost: IsLinkLost
  #contest: Contest | undefined
  #mayBeginAt: Millis
  #pause = FIRST_PAUSE

  constructor(isLinkLost: IsLinkLost, now: Millis) {
    this.#isLinkLost = isLinkLost
    this.#mayBeginAt = now
  }

  /** When `verdict` wants to be asked. */
  pollTimeout(): Millis | undefined {
    return this.#contest?.endsAt
  }

  /** Tells whether `path` is being compared. */
  compares(path: IcePath): boolean {
    return this.#contest?.includes(path) === true
  }

  /** Takes note that a check was answered. */
  noteAnswer(path: IcePath): void {
    this.#contest?.noteAnswer(path)
  }

  /** Begins to compare the path that the call is held on with one that seems better, if it has rested long enough. */
  challenge(held: IcePath, paths: readonly IcePath[], now: Millis): void {
    if (this.#contest !== undefined || now < this.#mayBeginAt) return
    const challenger = challengerOf(held, paths, this.#isLinkLost, now)
    if (challenger === undefined) return
    this.#contest = new Contest(held, challenger, now)
    held.checkAt = now
    challenger.checkAt = now
  }

  /** Ends a comparison that is decided; returns the path to move to, if it is one for the better. */
  judge(selected: IcePath | undefined, now: Millis): IcePath | undefined {
    const contest = this.#contest
    const verdict = contest?.verdict(now)
    if (contest === undefined || verdict === undefined) return undefined
    this.#contest = undefined
    const isMove = verdict === 'move' && contest.champion === selected
    if (isMove) this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
    this.#mayBeginAt = millisOf(now + this.#pause)
    return isMove ? contest.challenger : undefined
  }

  /** Rests after a move. */
  rest(now: Millis): void {
    this.#contest = undefined
    this.#mayBeginAt = millisOf(Math.max(this.#mayBeginAt, now + FIRST_PAUSE))
  }

  /** Ends a comparison that has lost its meaning. */
  abandon(): void {
    this.#contest = undefined
  }
}

/** After a move or a comparison no better path is sought for this long, doubled with each move for the better. */
const FIRST_PAUSE = 10_000
const LONGEST_PAUSE = 160_000
