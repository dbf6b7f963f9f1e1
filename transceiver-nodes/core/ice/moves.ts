/**
 * When a call must leave its path: it is silent, its client has a new address, or it is on TCP for want of UDP that is
 * back. docs/ice.md, "Life of a path". `path-choice.ts` says where to; what is moved for the better is `improvement.ts`.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { Nomination } from './nomination.ts'
import type { IcePath } from './path.ts'
import { footFrom, hasSpokenSince, refugeFrom, SILENCE } from './path-choice.ts'
import type { IsLinkLost } from './path-choice.ts'

/** The moves that one call has to make. */
export class Moves {
  readonly #isLinkLost: IsLinkLost
  #mayMoveAt: Millis
  #mayLeaveTcpAt: Millis
  /** Undefined: the call has not fled since it was put on its path. */
  #mayDescendAt: Millis | undefined

  constructor(isLinkLost: IsLinkLost, now: Millis) {
    this.#isLinkLost = isLinkLost
    this.#mayMoveAt = now
    this.#mayLeaveTcpAt = now
  }

  /** When the path in use is to be left if nothing more comes by it. */
  silenceEndsAt(selected: IcePath): Millis {
    const silence = this.#isLinkLost(selected.link) ? SILENCE_OF_LOST : SILENCE
    return millisOf(Math.max(selected.heardAt + silence, this.#mayMoveAt))
  }

  /** Returns the path to flee to from a silent one; undefined: none is known to be alive, and all must be asked. */
  flee(silent: IcePath, paths: readonly IcePath[], now: Millis): IcePath | undefined {
    const refuge = refugeFrom(silent, paths, this.#isLinkLost, now)
    if (refuge?.isTcp === true) this.#mayLeaveTcpAt = millisOf(now + TCP_STAY)
    const hasSpoken = refuge !== undefined && hasSpokenSince(refuge, silent)
    this.#mayMoveAt = millisOf(now + (hasSpoken ? MOVE_DAMPING : PROBE_INTERVAL))
    if (refuge !== undefined) this.#mayDescendAt = millisOf(now + DESCENT_WAIT)
    return refuge
  }

  /** Returns the path on which a call begins anew that has fled as high as it can; once for each flight. */
  descend(held: IcePath, paths: readonly IcePath[], now: Millis): IcePath | undefined {
    if (this.#mayDescendAt === undefined || now < this.#mayDescendAt) return undefined
    const foot = footFrom(held, paths, this.#isLinkLost, now)
    if (foot === undefined) return undefined
    this.#mayDescendAt = undefined
    // The client is given the time to follow, since it may have been silent there for long.
    this.#mayMoveAt = millisOf(now + SILENCE)
    return foot
  }

  /**
   * A client that speaks through the same port of the same VIP from a new address, while its old one is silent, has
   * moved: its NAT has rebound, or it has changed networks. The call follows as soon as the new path answers.
   */
  followsClient(selected: IcePath | undefined, answering: IcePath, now: Millis): boolean {
    if (selected === undefined || answering === selected || now < this.#mayMoveAt) return false
    const isSameWay =
      answering.vip === selected.vip &&
      answering.listener === selected.listener &&
      answering.isTcp === selected.isTcp
    if (!isSameWay) return false
    if (answering.enteredAt <= selected.heardAt || now < selected.heardAt + SILENCE_OF_MOVED) return false
    this.#mayMoveAt = millisOf(now + MOVE_DAMPING)
    return true
  }

  /** TCP is for want of UDP: a path on UDP that answers takes the call over, unless one has just failed. */
  leavesTcp({ nominated, peerControls }: Nomination, answering: IcePath, now: Millis): boolean {
    const isWanted = nominated?.isTcp === true && !answering.isTcp
    return isWanted && now >= this.#mayLeaveTcpAt && !peerControls
  }
}

/** Silence that is enough when the relay is lost: what still comes through proves that it is not. */
const SILENCE_OF_LOST = 200
/** Silence of a client's old address that is enough when it speaks from a new one: ten packets. */
const SILENCE_OF_MOVED = 200
/** How often the paths are asked while the selected one is silent. */
const PROBE_INTERVAL = 200
/** After a move the call stays where it is for at least this long. */
const MOVE_DAMPING = 3000
/** A call that had to flee to TCP stays there for this long: UDP that fails for media may still carry checks. */
const TCP_STAY = 30_000
/** A call that has fled rests for this long before it goes back down; so does the relay that is back. */
const DESCENT_WAIT = 10_000
