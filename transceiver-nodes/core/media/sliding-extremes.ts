/**
 * The least and the greatest of the last measurements of something, exactly, in few bytes.
 *
 * A value matters until `depth` later ones have been as great, or until one has been as small: whatever happens
 * then, it will never again be among the extremes. What matters of a window of values in no order is about the
 * logarithm of its length, so that a new value costs a walk over a few lines of memory. Values that only fall, or
 * only rise, all matter: then the walk is as long as the window. Nothing is allocated but when the list grows.
 */

/** The extremes of a sliding window. */
export class SlidingExtremes {
  readonly #length: number
  readonly #greatest: Extremes
  readonly #least: Extremes
  #pushed = 0
  #count = 0

  /** Keeps the last `length` values, and which were the `depth` greatest. */
  constructor(length: number, depth: number) {
    if (!(Number.isSafeInteger(length) && Number.isSafeInteger(depth) && depth >= 1 && length >= depth)) {
      throw new RangeError(`the ${depth} greatest of ${length} values`)
    }
    this.#length = length
    this.#greatest = new Extremes(depth)
    this.#least = new Extremes(1)
  }

  /** How many values there are. */
  get count(): number {
    return this.#count
  }

  /** The least value; NaN if there is none. */
  get least(): number {
    return -this.#least.greatest(1)
  }

  /** The greatest value but `n - 1`; NaN if there are fewer, or `n` is more than the depth. */
  greatest(n: number): number {
    return this.#greatest.greatest(n)
  }

  /** Takes a value. */
  push(value: number): void {
    const at = this.#pushed++
    const oldest = at - this.#length + 1
    this.#greatest.push(value, at, oldest)
    this.#least.push(-value, at, oldest)
    if (this.#count < this.#length) this.#count++
  }

  /** Forgets all values. */
  clear(): void {
    this.#count = 0
    this.#greatest.clear()
    this.#least.clear()
  }
}

/** Those values of a window that are or may come to be among its greatest, in the order of arrival. */
class Extremes {
  readonly #depth: number
  /** Of each: the value, when it came, and how many later ones are as great. */
  #entries = new Float64Array(INITIAL_ENTRIES * ENTRY_WORDS)
  #size = 0

  constructor(depth: number) {
    this.#depth = depth
  }

  push(value: number, at: number, oldest: number): void {
    const entries = this.#entries
    let kept = 0
    for (let entry = 0; entry < this.#size; entry += ENTRY_WORDS) {
      const known = entries[entry] ?? 0
      const exceeded = (entries[entry + EXCEEDED] ?? 0) + (value >= known ? 1 : 0)
      if (exceeded >= this.#depth || (entries[entry + CAME_AT] ?? 0) < oldest) continue
      entries[kept] = known
      entries[kept + CAME_AT] = entries[entry + CAME_AT] ?? 0
      entries[kept + EXCEEDED] = exceeded
      kept += ENTRY_WORDS
    }
    this.#size = kept
    this.#append(value, at)
  }

  /** Among those that stay, a value's rank is how many are greater: a few, so counting is the fastest sort. */
  greatest(n: number): number {
    for (let entry = 0; entry < this.#size; entry += ENTRY_WORDS) {
      if (this.#rankOf(entry) === n) return this.#entries[entry] ?? Number.NaN
    }
    return Number.NaN
  }

  clear(): void {
    this.#size = 0
  }

  #append(value: number, at: number): void {
    if (this.#size === this.#entries.length) {
      const larger = new Float64Array(this.#entries.length * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    this.#entries[this.#size] = value
    this.#entries[this.#size + CAME_AT] = at
    this.#entries[this.#size + EXCEEDED] = 0
    this.#size += ENTRY_WORDS
  }

  /** Of equal ones, the later is the greater. */
  #rankOf(entry: number): number {
    const value = this.#entries[entry] ?? 0
    let rank = 1
    for (let other = 0; other < this.#size; other += ENTRY_WORDS) {
      const known = this.#entries[other] ?? 0
      if (known > value || (known === value && other > entry)) rank++
    }
    return rank
  }
}

const CAME_AT = 1
const EXCEEDED = 2
const ENTRY_WORDS = 3
const INITIAL_ENTRIES = 16
