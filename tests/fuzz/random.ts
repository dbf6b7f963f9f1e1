/** Random numbers that a seed repeats: sfc32 of PractRand, which is small, fast and passes its own test suite. */

/** A generator; two of one seed give the same numbers. */
export class Random {
  readonly #state: Uint32Array

  constructor(seed: number) {
    this.#state = Uint32Array.of(seed, seed ^ 0x9e3779b9, 0x243f6a88, 1)
    for (let i = 0; i < WARM_UP; i++) this.next()
  }

  /** Returns 32 random bits, unsigned. */
  next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state
    const result = (a + b + counter) >>> 0
    this.#state[0] = b ^ (b >>> 9)
    this.#state[1] = c + (c << 3)
    this.#state[2] = ((c << 21) | (c >>> 11)) + result
    this.#state[3] = counter + 1
    return result
  }

  /** Returns a whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor((this.next() / 2 ** 32) * end)
  }

  /** Is true once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** Returns one of `choices`, of which there must be one. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  /** Returns `length` random bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next())
  }
}

/** Rounds that PractRand lets pass, so that similar seeds have parted. */
const WARM_UP = 15
