/**
 * Which path a call should move to: away from one that is silent, or to one that is clearly better. docs/ice.md.
 *
 * Both prefer paths that stand above the one in use in the answer's order: Chromium prunes those below it, and
 * takes seconds to revive them. A call that moves for the sake of quality never leaves that order, so it moves a
 * few times at most, whatever the network does.
 */

import type { Millis } from '#shared/time'
import type { IcePath } from './path.ts'
import type { PathQuality } from './path-quality.ts'

/** Tells whether the relay at a link has stopped answering. */
export type IsLinkLost = (link: number) => boolean

/** Returns the best path that outlives the silent one; undefined: none has given a sign of life. */
export function refugeFrom(
  silent: IcePath,
  paths: readonly IcePath[],
  isLinkLost: IsLinkLost,
  now: Millis,
): IcePath | undefined {
  return paths
    .filter((path) => path !== silent && path.isValid && outlives(path, silent, isLinkLost, now))
    .toSorted(
      (a, b) =>
        Number(a.isTcp) - Number(b.isTcp) ||
        Number(a.rank < silent.rank) - Number(b.rank < silent.rank) ||
        a.rank - b.rank ||
        b.heardAt - a.heardAt,
    )[0]
}

/** Tells whether `path` has spoken since `silent` fell silent. */
export function hasSpokenSince(path: IcePath, silent: IcePath): boolean {
  return path.heardAt > silent.heardAt + SILENCE
}

/** Returns a path that seems better than `selected` by the latest check of each, and so is worth a comparison. */
export function challengerOf(
  selected: IcePath,
  paths: readonly IcePath[],
  isLinkLost: IsLinkLost,
  now: Millis,
): IcePath | undefined {
  return paths
    .filter((path) => path.isValid && path.isTcp === selected.isTcp && path.rank > selected.rank)
    .filter((path) => !isLinkLost(path.link) && now < path.heardAt + FRESHNESS)
    .filter((path) => seemsBetter(path.quality, selected.quality))
    .toSorted((a, b) => a.rank - b.rank)[0]
}

/**
 * Returns the lowest path through another relay that is as good as `top`, where no other relay is left above; undefined:
 * there is one above, or nowhere to go.
 */
export function footFrom(
  top: IcePath,
  paths: readonly IcePath[],
  isLinkLost: IsLinkLost,
  now: Millis,
): IcePath | undefined {
  const others = paths
    .filter((path) => path.isValid && !path.isTcp && path.vip !== top.vip)
    .filter((path) => !isLinkLost(path.link) && now < path.heardAt + FRESHNESS)
  if (top.isTcp || others.some((path) => path.rank > top.rank)) return undefined
  return others
    .filter(({ quality }) => !isClearlyFaster(top.quality, quality) && !isClearlySafer(top.quality, quality))
    .toSorted((a, b) => a.rank - b.rank)[0]
}

/** Tells whether the round trip of one path is clearly shorter than that of another. */
export function isClearlyFaster(path: PathQuality, other: PathQuality): boolean {
  return isClearlyLess(path.roundTripMillis, other.roundTripMillis)
}

/** Tells whether one path clearly loses less than another. */
export function isClearlySafer(path: PathQuality, other: PathQuality): boolean {
  return path.loss + LOSS_ADVANTAGE <= other.loss
}

/**
 * A path outlives the silent one when it has spoken since. When the relay of the silent one is lost there is no
 * need to ask first: a path will do whose own relay answers, and on which the client did lately.
 */
function outlives(path: IcePath, silent: IcePath, isLinkLost: IsLinkLost, now: Millis): boolean {
  if (isLinkLost(path.link)) return false
  return hasSpokenSince(path, silent) || (isLinkLost(silent.link) && now < path.heardAt + FRESHNESS)
}

function seemsBetter(path: PathQuality, selected: PathQuality): boolean {
  if (selected.hasJustLost && path.loss < selected.loss) return true
  return isClearlyLess(path.latestMillis, selected.latestMillis)
}

function isClearlyLess(millis: number | undefined, other: number | undefined): boolean {
  if (millis === undefined || other === undefined) return false
  return millis + Math.max(ROUND_TRIP_ADVANTAGE, other * ROUND_TRIP_SHARE) <= other
}

/** Mean interval of consent checks on each path, RFC 7675 section 5.1. */
export const CONSENT_INTERVAL = 5000
/** A client sends at least 50 packets per second, so a path that carries nothing for this long is suspect. */
export const SILENCE = 1000
/** A path on which the client was heard this recently has answered one of the last two consent checks. */
const FRESHNESS = 2 * 1.2 * CONSENT_INTERVAL
/** A round trip is clearly shorter by this much, and by this share of the longer one: a caller can hear that. */
const ROUND_TRIP_ADVANTAGE = 20
const ROUND_TRIP_SHARE = 0.25
/** A path is clearly safer when it lost this share less of the last checks: two of eight. */
const LOSS_ADVANTAGE = 0.25
