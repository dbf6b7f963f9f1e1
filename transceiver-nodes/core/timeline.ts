/** When the steps of a call's setup happened, in milliseconds since its offer reached this transceiver. */

import type { Millis } from '#shared/time'

/** The steps, in the order in which they usually happen. */
export const TIMELINE_STEPS = [
  'offer',
  'answer',
  'firstCheck',
  'connected',
  'channelOpen',
  'firstAudioIn',
  'firstAudioOut',
] as const

/** A step of a call's setup. */
export type TimelineStep = (typeof TIMELINE_STEPS)[number]

/** The timeline of one call; only the first time of each step counts. */
export class Timeline {
  readonly #start: Millis
  readonly #millisByStep = new Map<TimelineStep, number>()

  constructor(now: Millis) {
    this.#start = now
    this.mark('offer', now)
  }

  /** Tells whether a step has happened. */
  has(step: TimelineStep): boolean {
    return this.#millisByStep.has(step)
  }

  /** Enters a step, once. */
  mark(step: TimelineStep, now: Millis): void {
    if (!this.has(step)) this.#millisByStep.set(step, Math.round((now - this.#start) * 10) / 10)
  }

  /** Returns how long it is since the offer, in whole milliseconds. */
  elapsed(now: Millis): number {
    return Math.round(now - this.#start)
  }

  /** Every step with its milliseconds, null for what has not happened. */
  toRecord(): Record<TimelineStep, number | null> {
    const record = {} as Record<TimelineStep, number | null>
    for (const step of TIMELINE_STEPS) record[step] = this.#millisByStep.get(step) ?? null
    return record
  }
}
