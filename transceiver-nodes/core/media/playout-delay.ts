/**
 * When each packet of a stream leaves the jitter buffer: docs/audio.md.
 *
 * A packet's transit is its arrival, by our clock, less its timestamp, by the sender's. The least transit of the
 * last seconds is the network without its jitter; a packet leaves so long after its timestamp that
 * `TARGET_SHARE` of the packets of the window had arrived by then. The delay grows at once and shrinks slowly,
 * because the price of too little is lost speech, and of too much some milliseconds.
 *
 * Two clocks that run at different speeds need nothing of their own: the transits drift, and the window with them.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { TransitWindow } from './transit-window.ts'

/** Bounds of the delay; equal ones switch the adaptation off. */
export interface DelayBounds {
  readonly minMillis: number
  readonly maxMillis: number
}

/** Follows the jitter of one stream. */
export class PlayoutDelay {
  readonly #bounds: DelayBounds
  readonly #transits = new TransitWindow()
  /** What is added to a timestamp, in milliseconds, to get the time at which its packet leaves. */
  #offset = 0
  #targetMillis: number

  constructor(bounds: DelayBounds = DELAY_BOUNDS) {
    if (!(bounds.minMillis >= 0 && bounds.maxMillis >= bounds.minMillis)) {
      throw new RangeError(`a delay from ${bounds.minMillis} to ${bounds.maxMillis} ms`)
    }
    this.#bounds = bounds
    this.#targetMillis = clamp(INITIAL_MILLIS, bounds.minMillis, bounds.maxMillis)
  }

  /** How long a packet waits that the network did not hold up. */
  get targetMillis(): number {
    return this.#targetMillis
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#offset + this.#targetMillis + this.#transits.count
  }

  /** Learns from a packet whose timestamp is `mediaMillis` and which arrived at `now`. */
  handleArrival(mediaMillis: number, now: Millis): void {
    const { minMillis, maxMillis } = this.#bounds
    const transits = this.#transits
    const transit = now - mediaMillis
    if (Math.abs(transit - transits.least) > JUMP_MILLIS) transits.clear()
    transits.push(transit)
    const { least, count } = transits
    const wanted = wantedMillis(transits)
    const lowest = count === 1 ? wanted : this.#offset - least - FALL_MILLIS_PER_PACKET
    this.#targetMillis = clamp(Math.max(wanted, lowest), minMillis, maxMillis)
    this.#offset = least + this.#targetMillis
  }

  /** Returns when a packet with this timestamp leaves. */
  dueAt(mediaMillis: number): Millis {
    return millisOf(mediaMillis + this.#offset)
  }

  /** Forgets what was learned: another stream begins. */
  restart(): void {
    this.#transits.clear()
  }
}

/** Until the window says enough, no less than the delay at the start. */
function wantedMillis({ least, greatest, second, count }: TransitWindow): number {
  const measured = (mayMissOne(count) ? second : greatest) - least
  return count < TRUSTED_PACKETS ? Math.max(measured, INITIAL_MILLIS) : measured
}

/** Of a whole window one packet, and no second one, may come later than `TARGET_SHARE` asks. */
function mayMissOne(count: number): boolean {
  return count - Math.ceil(TARGET_SHARE * count) >= 1
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

/** Delay of a call: from a frame, which the ticks need, to what a turn of talk can bear. */
export const DELAY_BOUNDS: DelayBounds = { minMillis: 20, maxMillis: 200 }

/** Share of the packets that come in time: less saves some milliseconds for each further percent that is lost. */
const TARGET_SHARE = 0.995

/** Delay until the first second is known: the jitter of a good Wi-Fi link. */
const INITIAL_MILLIS = 40
const TRUSTED_PACKETS = 50

/** 10 ms in a second: a delay that was needed once goes in some seconds. */
const FALL_MILLIS_PER_PACKET = 0.2

/** No network does that: the sender's clock has jumped. */
const JUMP_MILLIS = 1000
