/**
 * A comparison of the path in use with one that seems better: both are checked side by side for up to four seconds, so that
 * one slow answer moves nothing. docs/ice.md, "A clearly better path".
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { IcePath } from './path.ts'
import { isClearlyFaster, isClearlySafer } from './path-choice.ts'

/** One comparison under way. */
export class Contest {
  readonly champion: IcePath
  readonly challenger: IcePath
  readonly #endsAt: Millis
  #championAnswers = 0
  #challengerAnswers = 0

  constructor(champion: IcePath, challenger: IcePath, now: Millis) {
    this.champion = champion
    this.challenger = challenger
    this.#endsAt = millisOf(now + DURATION)
  }

  /** Tells whether `path` is one of the two. */
  includes(path: IcePath): boolean {
    return path === this.champion || path === this.challenger
  }

  /** Takes note that a check was answered. */
  noteAnswer(path: IcePath): void {
    if (path === this.champion) this.#championAnswers++
    if (path === this.challenger) this.#challengerAnswers++
  }

  /** The outcome so far: round trips are told by the fourth answer of each, losses at the end. */
  verdict(now: Millis): 'move' | 'stay' | undefined {
    const [better, worse] = [this.challenger.quality, this.champion.quality]
    const isMeasured = Math.min(this.#championAnswers, this.#challengerAnswers) >= ENOUGH_ANSWERS
    if (isMeasured && isClearlyFaster(better, worse) && better.loss <= worse.loss) return 'move'
    if (now < this.#endsAt) return undefined
    return isClearlySafer(better, worse) ? 'move' : 'stay'
  }

  /** When the outcome stands at the latest. */
  get endsAt(): Millis {
    return this.#endsAt
  }
}

/** How often the two paths are checked meanwhile. */
export const ROUND_INTERVAL = 250
/** The longest comparison: two seconds of checks, and two more in which the last of them may be answered. */
const DURATION = 4000
/** Round trips that are enough to compare, as many as `PathQuality` keeps. */
const ENOUGH_ANSWERS = 4
