/**
 * Where a STUN Binding request goes: to the transceiver that the sealed route in its ufrag names
 * (docs/routing-ufrag.md), within the budgets of its source and of its session (docs/relay.md).
 */

import type { StunView } from '#shared/stun/view'
import type { EpochSeconds, Millis } from '#shared/time'
import { minutesOf, RouteReader } from '#shared/ufrag/route'
import type { RouteKeyRing } from '#shared/ufrag/route'
import { dropCode } from './drop-reasons.ts'
import { SessionBudget } from './session-budget.ts'
import { SourceBudget } from './source-budget.ts'
import type { Upstreams } from './upstreams.ts'

/** The routing of requests. */
export class RequestRouter {
  readonly #upstreams: Upstreams
  readonly #route: RouteReader
  readonly #sourceBudget: SourceBudget
  readonly #sessionBudget: SessionBudget
  #nowMinutes: number

  constructor(
    upstreams: Upstreams,
    routeKeys: RouteKeyRing,
    hashKey: readonly [number, number],
    epochNow: EpochSeconds,
  ) {
    this.#upstreams = upstreams
    this.#route = new RouteReader(routeKeys)
    this.#sourceBudget = new SourceBudget(hashKey)
    this.#sessionBudget = new SessionBudget(hashKey)
    this.#nowMinutes = minutesOf(epochNow)
  }

  /** Sets the wall clock, by which ufrags expire. */
  handleTimeout(epochNow: EpochSeconds): void {
    this.#nowMinutes = minutesOf(epochNow)
  }

  /**
   * Returns the upstream for the request in `memory`, as `stun` has read it, or the negative code of a drop. One from a
   * client that `isKnown`, whom a transceiver has verified, is served whatever else comes from the same network or for
   * the same session.
   */
  upstreamOf(
    memory: Uint8Array,
    stun: StunView,
    words: Int32Array,
    wordsAt: number,
    isKnown: boolean,
    now: Millis,
  ): number {
    if (stun.ufragLength < 0) return NO_UFRAG
    if (!isKnown && !this.#sourceBudget.take(words, wordsAt, now)) return SOURCE_BUDGET
    const route = this.#route
    const fault = route.read(memory, stun.usernameStart, stun.ufragLength, this.#nowMinutes)
    if (fault !== undefined) return dropCode(fault)
    const upstream = this.#upstreams.indexOfRoute(route.cluster, route.transceiver)
    if (upstream < 0) return UNKNOWN_UPSTREAM
    return isKnown || this.#sessionBudget.take(upstream, route.session, now) ? upstream : SESSION_BUDGET
  }
}

const NO_UFRAG = dropCode('no-ufrag')
const SOURCE_BUDGET = dropCode('source-budget')
const SESSION_BUDGET = dropCode('session-budget')
const UNKNOWN_UPSTREAM = dropCode('unknown-upstream')
