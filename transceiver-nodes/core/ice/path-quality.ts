/**
 * What the checks on one path have told of it: round trip and loss. docs/ice.md, "Quality of a path".
 *
 * The round trip is the smallest of the last few: a check measures the client's own delay too, and what is
 * added to the way itself is in all of them. A check that had to be sent again measures nothing, since nobody
 * can tell which of its sends was answered (Karn's rule, RFC 8489 section 6.2.1).
 */

/** Round trip and loss of one path. */
export class PathQuality {
  /** The last round trips, the newest first. */
  readonly #roundTrips: number[] = []
  /** The last checks, the newest first: true where an answer came. */
  readonly #outcomes: boolean[] = []

  /** The path's round trip; undefined before the first answer. */
  get roundTripMillis(): number | undefined {
    return this.#roundTrips.length === 0 ? undefined : Math.min(...this.#roundTrips)
  }

  /** The newest round trip. */
  get latestMillis(): number | undefined {
    return this.#roundTrips[0]
  }

  /** The share of the last checks that nobody answered. */
  get loss(): number {
    const lost = this.#outcomes.filter((isAnswered) => !isAnswered).length
    return this.#outcomes.length === 0 ? 0 : lost / this.#outcomes.length
  }

  /** Whether the last check went unanswered. */
  get hasJustLost(): boolean {
    return this.#outcomes[0] === false
  }

  /** Takes note of an answer; `roundTripMillis` is undefined where the check was sent more than once. */
  noteAnswer(roundTripMillis: number | undefined): void {
    keepNewest(this.#outcomes, true, LOSS_WINDOW)
    if (roundTripMillis !== undefined) keepNewest(this.#roundTrips, roundTripMillis, ROUND_TRIP_WINDOW)
  }

  /** Takes note of a check that nobody answered. */
  noteLoss(): void {
    keepNewest(this.#outcomes, false, LOSS_WINDOW)
  }
}

function keepNewest<Value>(values: Value[], value: Value, bound: number): void {
  values.unshift(value)
  if (values.length > bound) values.pop()
}

/** Round trips of which the smallest counts; a comparison of two paths measures more. */
const ROUND_TRIP_WINDOW = 4
/** Checks that the loss is counted over: half a minute of consent checks, or one comparison. */
export const LOSS_WINDOW = 8
