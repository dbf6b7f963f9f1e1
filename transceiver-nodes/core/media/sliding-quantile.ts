/**
 * The last measurements of something, in order of size: exact quantiles of a sliding window, without allocation.
 *
 * A new value takes the place of the oldest. Both moves are a search and a shift of memory, which for some hundred
 * values costs less than any cleverer structure.
 */

/** A window of the last measurements. */
export class SlidingQuantile {
  /** In order of arrival, around; and in order of size. */
  readonly #arrived: Float64Array
  readonly #sorted: Float64Array
  #count = 0
  #at = 0

  /** Keeps the last `length` values. */
  constructor(length: number) {
    if (!Number.isSafeInteger(length) || length < 1) throw new RangeError(`a window of ${length} values`)
    this.#arrived = new Float64Array(length)
    this.#sorted = new Float64Array(length)
  }

  /** How many values there are. */
  get count(): number {
    return this.#count
  }

  /** The least value; NaN if there is none. */
  get least(): number {
    return this.#count === 0 ? Number.NaN : (this.#sorted[0] ?? Number.NaN)
  }

  /** Takes a value. */
  push(value: number): void {
    if (this.#count === this.#arrived.length) this.#remove(this.#arrived[this.#at] ?? Number.NaN)
    const place = this.#placeOf(value)
    this.#sorted.copyWithin(place + 1, place, this.#count)
    this.#sorted[place] = value
    this.#count++
    this.#arrived[this.#at] = value
    this.#at = (this.#at + 1) % this.#arrived.length
  }

  /** The least value that is not exceeded by more than `1 - share` of all; NaN if there is none. */
  quantile(share: number): number {
    return this.#sorted[Math.max(0, Math.ceil(share * this.#count) - 1)] ?? Number.NaN
  }

  /** Forgets all values. */
  clear(): void {
    this.#count = 0
    this.#at = 0
  }

  #remove(value: number): void {
    const place = this.#placeOf(value)
    this.#sorted.copyWithin(place, place + 1, this.#count)
    this.#count--
  }

  /** Where `value` stands, or would stand: before the first that is not less. */
  #placeOf(value: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] ?? 0) < value) low = middle + 1
      else high = middle
    }
    return low
  }
}
