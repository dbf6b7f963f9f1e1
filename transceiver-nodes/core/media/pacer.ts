/**
 * The send clock: one for all sessions of a process, in steps of one 20 ms frame.
 *
 * Frame n is due at `start + n × 20 ms`, always counted from the start, so no error adds up however late the
 * ticks are. After a stall it catches up a few frames and skips the rest: a burst of old audio would only
 * fill the client's jitter buffer. Skipped frames keep their place in RTP time, so the client hears a gap and
 * no shift. It sends nothing itself: the media loop asks it on every tick.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { BACKEND_SAMPLE_RATE_HZ } from '../../backends/backend.ts'

/** Tells on every tick how many frames each session owes its client. */
export class Pacer {
  readonly #start: Millis
  #next = 0
  #frame = 0
  #due = 0
  #skipped = 0

  /** The first frame is due at `start`. */
  constructor(start: Millis) {
    this.#start = start
  }

  /** Number of the first frame that the last `advance` found due. */
  get frame(): number {
    return this.#frame
  }

  /** How many frames, from `frame` on, the last `advance` found due: 0 to `MAX_CATCH_UP_FRAMES`. */
  get due(): number {
    return this.#due
  }

  /** How many frames just before `frame` the last `advance` gave up after a stall. */
  get skipped(): number {
    return this.#skipped
  }

  /** Moves the clock to `now` and returns `due`. */
  advance(now: Millis): number {
    const reached = Math.floor((now - this.#start) / FRAME_MILLIS) + 1
    const owed = Math.max(0, reached - this.#next)
    this.#due = Math.min(owed, MAX_CATCH_UP_FRAMES)
    this.#skipped = owed - this.#due
    this.#frame = this.#next + this.#skipped
    this.#next += owed
    return this.#due
  }

  /** Returns when the next frame is due. */
  pollTimeout(): Millis {
    return millisOf(this.#start + this.#next * FRAME_MILLIS)
  }
}

/** Returns the RTP timestamp of `frame` for a stream whose random start (RFC 3550 section 5.1) is `base`. */
export function rtpTimestampOf(frame: number, base: number, clockRateHz = OPUS_CLOCK_HZ): number {
  return (base + frame * (clockRateHz / 1000) * FRAME_MILLIS) >>> 0
}

/** The RTP clock of Opus runs at 48 kHz whatever the coded rate, RFC 7587 section 4.1. */
const OPUS_CLOCK_HZ = 48_000

/** Length of a frame, for every codec and direction. */
export const FRAME_MILLIS = 20

/** How many frames are sent at once after a stall: as many as a client's jitter buffer takes without stretching. */
export const MAX_CATCH_UP_FRAMES = 3

/** Samples of a frame at the backend's rate. */
export const FRAME_SAMPLES = (BACKEND_SAMPLE_RATE_HZ / 1000) * FRAME_MILLIS
