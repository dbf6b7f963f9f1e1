/** Takes an input apart into choices, for targets that read it as a list of operations. */

/** Reads an input from front to back; behind its end everything is 0. */
export class InputReader {
  readonly #input: Uint8Array
  #at = 0

  constructor(input: Uint8Array) {
    this.#input = input
  }

  get hasMore(): boolean {
    return this.#at < this.#input.length
  }

  /** Takes a byte. */
  byte(): number {
    return this.#input[this.#at++] ?? 0
  }

  /** Takes two bytes. */
  word(): number {
    return (this.byte() << 8) | this.byte()
  }

  /** Takes one of `choices`. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.byte() % choices.length] as T
  }

  /** Takes up to `most` bytes. */
  bytes(most: number): Uint8Array {
    const length = this.byte() % (most + 1)
    const taken = this.#input.slice(this.#at, this.#at + length)
    this.#at += taken.length
    return taken
  }
}
