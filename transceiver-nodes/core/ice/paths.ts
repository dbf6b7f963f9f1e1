/**
 * The paths of one session, bounded: found by where a message came from, and given up when others need the place.
 */

import { TCP_BIT } from '#shared/endpoint'
import type { StunMessage } from '#shared/stun/message'
import type { Millis } from '#shared/time'
import { IcePath } from './path.ts'

/** A STUN message and the way it came. */
export interface StunArrival {
  readonly bytes: Uint8Array
  /** What `bytes` parse to. */
  readonly message: StunMessage
  /** Index of the VIP that it came to, and of the link by which. */
  readonly vip: number
  readonly link: number
  /** The client's endpoint in words. */
  readonly client: Int32Array
}

/** Preference of the path through a VIP's client port, 0 first; undefined: not in the answer. */
export type RankOf = (vip: number, listener: number, isTcp: boolean) => number | undefined

/** The paths of one session, in the order of arrival. */
export class IcePaths {
  readonly all: IcePath[] = []
  readonly #rankOf: RankOf

  constructor(rankOf: RankOf) {
    this.#rankOf = rankOf
  }

  /** Returns the path of a message if it is known. */
  find({ vip, client }: StunArrival): IcePath | undefined {
    return this.all.find((path) => path.matches(vip, client, 0))
  }

  /** Enters the path of a message; undefined: the session's answer does not name its VIP and port. */
  enter({ vip, link, client }: StunArrival, now: Millis): IcePath | undefined {
    const last = client[4] ?? 0
    const rank = this.#rankOf(vip, (last >>> 16) & 0xff, (last & TCP_BIT) !== 0)
    if (rank === undefined) return undefined
    const path = new IcePath(vip, link, client, 0, rank, now)
    this.all.push(path)
    return path
  }

  /**
   * The path that must make room for `entered`, if there are too many: first one that never answered, so that
   * replayed requests cannot push out a live path, and never the one in use.
   */
  victimOf(entered: IcePath, selected: IcePath | undefined): IcePath | undefined {
    if (this.all.length <= MAX_PATHS) return undefined
    return this.all
      .filter((path) => path !== entered && path !== selected)
      .toSorted((a, b) => Number(a.isValid) - Number(b.isValid) || a.heardAt - b.heardAt)[0]
  }

  /** Takes out a path. */
  remove(path: IcePath): void {
    const index = this.all.indexOf(path)
    if (index >= 0) this.all.splice(index, 1)
  }

  /** The most preferred of the paths that have answered. */
  best(): IcePath | undefined {
    return this.all.filter((path) => path.isValid).toSorted((a, b) => a.rank - b.rank)[0]
  }
}

/** Paths kept for one session: two VIPs with two addresses, two UDP ports and TCP each, and some to roam. */
export const MAX_PATHS = 16
