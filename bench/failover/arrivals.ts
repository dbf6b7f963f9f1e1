/**
 * When packets arrived at either end of each call, and the longest time in which none did.
 *
 * Times are milliseconds of the machine's monotonic clock, which all processes share.
 */

/** Which way a packet travelled. */
export type Direction = 'toClient' | 'toTransceiver'
export const DIRECTIONS: readonly Direction[] = ['toClient', 'toTransceiver']

/** An arrival as the transceiver tells it: the call's id, the link's index in its directory, and when. */
export type NotedArrival = readonly [callId: string, link: number, at: number]

/** Reads the machine's monotonic clock. */
export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The arrivals of every call, by its number. */
export class Arrivals {
  readonly #times: Record<Direction, number[][]> = { toClient: [], toTransceiver: [] }

  /** Takes note of a packet of `call` that arrived at `at`; each call's come in order. */
  note(call: number, direction: Direction, at: number): void {
    const times = this.#times[direction]
    ;(times[call] ??= []).push(at)
  }

  /** How many packets arrived after `from`. */
  countSince(call: number, direction: Direction, from: number): number {
    const times = this.#times[direction][call] ?? []
    return times.length - (times.findLastIndex((at) => at <= from) + 1)
  }

  /** The longest interval between two arrivals that reaches into the time from `from` to `to`. */
  longestInterval(call: number, direction: Direction, from: number, to: number): number {
    const times = this.#times[direction][call] ?? []
    const first = Math.max(1, times.findLastIndex((at) => at <= from) + 1)
    let longest = 0
    for (let i = first; i < times.length && (times[i - 1] ?? to) < to; i++) {
      longest = Math.max(longest, (times[i] ?? 0) - (times[i - 1] ?? 0))
    }
    return longest
  }

  /** Forgets what arrived before `from`. */
  forget(from: number): void {
    for (const direction of DIRECTIONS) {
      this.#times[direction] = this.#times[direction].map((times) => times.filter((at) => at >= from))
    }
  }
}
