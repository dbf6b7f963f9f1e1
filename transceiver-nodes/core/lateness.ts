/** How late the ticks of the send clock are: a histogram of bounded size, for metrics and for admission. */

/** Counts ticks by how late they were. */
export class Lateness {
  readonly #countByBound = new Float64Array(LATENESS_BOUNDS.length + 1)
  #worst = 0

  /** Takes note of a tick. */
  note(millis: number): void {
    let bound = 0
    while (bound < LATENESS_BOUNDS.length && millis >= (LATENESS_BOUNDS[bound] ?? 0)) bound++
    this.#countByBound[bound] = (this.#countByBound[bound] ?? 0) + 1
    if (millis > this.#worst) this.#worst = millis
  }

  /** How late the worst tick since the last call was. */
  takeWorst(): number {
    const worst = this.#worst
    this.#worst = 0
    return worst
  }

  /** Ticks so far that were less late than each of `LATENESS_BOUNDS` and not less than the one before, and the rest. */
  counts(): readonly number[] {
    return [...this.#countByBound]
  }
}

/** In milliseconds. */
export const LATENESS_BOUNDS: readonly number[] = [1, 2, 5, 10, 20, 50]
