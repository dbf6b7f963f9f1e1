/**
 * The least and the two greatest transits of the last seconds: what the delay of a jitter buffer follows. docs/audio.md.
 *
 * Transits are gathered in buckets of half a second. A new one is compared with three numbers of its own bucket, and
 * with three that sum up the full ones before it, which is one line of memory for each packet; the sum is made anew
 * when a bucket is full, and the oldest one forgotten. So the window is as long as all buckets, less what the one that
 * is being filled still has room for.
 */

/** The extremes of the transits that are remembered. */
export class TransitWindow {
  /** First the line that every packet needs, and behind it a row of `BUCKET_WORDS` for each full bucket. */
  readonly #words = new Float64Array(BUCKETS_AT + FULL_BUCKETS * BUCKET_WORDS)

  constructor() {
    this.clear()
  }

  /** How many transits there are. */
  get count(): number {
    return (this.#words[CURRENT_COUNT] ?? 0) + (this.#words[EARLIER_COUNT] ?? 0)
  }

  /** The least; Infinity: there is none. */
  get least(): number {
    return Math.min(this.#words[CURRENT] ?? 0, this.#words[EARLIER] ?? 0)
  }

  /** The greatest; -Infinity: there is none. */
  get greatest(): number {
    return Math.max(this.#words[CURRENT + GREATEST] ?? 0, this.#words[EARLIER + GREATEST] ?? 0)
  }

  /** The greatest but one; -Infinity: there is none. */
  get second(): number {
    const words = this.#words
    const [current, earlier] = [words[CURRENT + GREATEST] ?? 0, words[EARLIER + GREATEST] ?? 0]
    return current > earlier
      ? Math.max(words[CURRENT + SECOND] ?? 0, earlier)
      : Math.max(words[EARLIER + SECOND] ?? 0, current)
  }

  /** Takes a transit. */
  push(transit: number): void {
    const words = this.#words
    if (words[CURRENT_COUNT] === BUCKET_PACKETS) this.#turnOver()
    words[CURRENT_COUNT] = (words[CURRENT_COUNT] ?? 0) + 1
    include(words, CURRENT, transit, transit)
  }

  /** Forgets all transits. */
  clear(): void {
    this.#words[CURRENT_COUNT] = 0
    this.#words[EARLIER_COUNT] = 0
    for (const at of [CURRENT, EARLIER]) empty(this.#words, at)
    for (let bucket = 0; bucket < FULL_BUCKETS; bucket++) empty(this.#words, rowOf(bucket))
  }

  /** Puts the bucket that is full in the place of the oldest: they move up, twice a second. */
  #turnOver(): void {
    const words = this.#words
    words.copyWithin(rowOf(1), rowOf(0), rowOf(FULL_BUCKETS - 1))
    words.copyWithin(rowOf(0), CURRENT, CURRENT + BUCKET_WORDS)
    words[EARLIER_COUNT] = Math.min(this.count, FULL_BUCKETS * BUCKET_PACKETS)
    words[CURRENT_COUNT] = 0
    for (const at of [CURRENT, EARLIER]) empty(words, at)
    for (let bucket = 0; bucket < FULL_BUCKETS; bucket++) {
      const at = rowOf(bucket)
      include(words, EARLIER, words[at] ?? 0, words[at + GREATEST] ?? 0)
      include(words, EARLIER, Infinity, words[at + SECOND] ?? 0)
    }
  }
}

/** Has the row at `at` know of a least and of a greatest. */
function include(words: Float64Array, at: number, least: number, greatest: number): void {
  if (least < (words[at] ?? 0)) words[at] = least
  const known = words[at + GREATEST] ?? 0
  words[at + GREATEST] = Math.max(known, greatest)
  words[at + SECOND] = Math.max(words[at + SECOND] ?? 0, Math.min(known, greatest))
}

function empty(words: Float64Array, at: number): void {
  words[at] = Infinity
  words[at + GREATEST] = -Infinity
  words[at + SECOND] = -Infinity
}

function rowOf(bucket: number): number {
  return BUCKETS_AT + bucket * BUCKET_WORDS
}

/** Half a second of packets. */
const BUCKET_PACKETS = 25
const FULL_BUCKETS = 9
/** The most transits that are remembered: five seconds of packets. */
export const WINDOW_PACKETS = (1 + FULL_BUCKETS) * BUCKET_PACKETS

/** In a row: the least, the greatest, the greatest but one. */
const GREATEST = 1
const SECOND = 2
const BUCKET_WORDS = 3

/** In the words. */
const CURRENT = 0
const EARLIER = BUCKET_WORDS
const CURRENT_COUNT = 6
const EARLIER_COUNT = 7
const BUCKETS_AT = 8
