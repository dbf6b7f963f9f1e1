/**
 * Silence on the path that a client clings to, so that it follows a nomination. docs/ice.md, "A client that clings to
 * its own choice".
 *
 * Nothing is sent on that path for a few seconds: its checks stay unanswered, and media goes by the nominated path, on
 * which the client takes it. Once Chromium has received nothing on its pair for 2.5 s it checks all others, the pruned
 * ones too. The first that is answered it takes, and then checks the others no more; so the nominated path is answered
 * when all have been checked, and the others when the client has followed: a late answer still revives a pair.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { IcePath } from './path.ts'

/** An answer to a check of the client, and the path it goes by. */
export interface Answer {
  readonly path: IcePath
  readonly message: Uint8Array
}

/** One silence under way. */
export class Hush {
  readonly clung: IcePath
  readonly nominated: IcePath
  readonly #others: readonly IcePath[]
  readonly #withheld = new Map<IcePath, Answer>()
  readonly #begunAt: Millis
  #lookAt: Millis

  /** Keeps silent on `clung`, until the client has moved to `nominated` and has checked `others`. */
  constructor(clung: IcePath, nominated: IcePath, others: readonly IcePath[], now: Millis) {
    this.clung = clung
    this.nominated = nominated
    this.#others = others
    this.#begunAt = now
    this.#lookAt = millisOf(now + LOOK_INTERVAL)
  }

  /** Takes an answer that would be sent now; returns the one to send instead, if there is any. */
  handleAnswer(answer: Answer, now: Millis): Answer | undefined {
    this.#withheld.set(answer.path, answer)
    const isChecked = this.#others.every((path) => this.#withheld.has(path))
    return isChecked || now >= this.#begunAt + PATIENCE ? this.#take(this.nominated) : undefined
  }

  /** Returns the answers to send when the silence is over. */
  answersInTheEnd(): Answer[] {
    this.#withheld.delete(this.clung)
    return [...this.#withheld.values()]
  }

  /** Tells how it ends: the client has followed, it stays or sends no more; undefined: it goes on. */
  verdict(now: Millis): 'followed' | 'failed' | undefined {
    if (now < this.#lookAt) return undefined
    this.#lookAt = millisOf(now + LOOK_INTERVAL)
    if (this.nominated.heardAt > this.clung.heardAt + FOLLOWED_AFTER) return 'followed'
    const heardAt = Math.max(this.nominated.heardAt, this.clung.heardAt)
    return now >= this.endsAt || now > heardAt + GONE_AFTER ? 'failed' : undefined
  }

  /** When `verdict` wants to be asked. */
  pollTimeout(): Millis {
    return this.#lookAt
  }

  /** When it ends at the latest. */
  get endsAt(): Millis {
    return millisOf(this.#begunAt + LONGEST_HUSH)
  }

  #take(path: IcePath): Answer | undefined {
    const answer = this.#withheld.get(path)
    this.#withheld.delete(path)
    return answer
  }
}

/** Chromium takes 2.5 s to find a pair silent, up to half a second to act on it, and 0.2 s to check four others. */
const LONGEST_HUSH = 5000
/** How long the answer on the nominated path waits for checks on the others: one of their relays may be dead. */
const PATIENCE = 4000
const LOOK_INTERVAL = 50
/** A client has followed when only the nominated path has spoken for this long: ten packets. */
const FOLLOWED_AFTER = 200
const GONE_AFTER = 1000
