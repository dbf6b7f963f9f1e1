/**
 * Remembers which packet indices were accepted, so that none is accepted twice: RFC 3711 section 3.3.2.
 *
 * A ring of bits, as in RFC 6479: advancing clears whole words and shifts nothing. One word of the ring is always
 * being overwritten, so the window is one word shorter than the ring. The word of the highest index is kept apart, beside
 * it: of 32 packets that come in order, 31 touch nothing else.
 */

/** The window over the indices of one stream. */
export class ReplayWindow {
  /** All words but that of the highest index. */
  readonly #words = new Int32Array(RING_WORDS)
  #highest = -1
  #highestWord = 0

  /** The highest accepted index, -1 before the first. */
  get highest(): number {
    return this.#highest
  }

  /** Tells whether `index` may still be accepted: neither seen nor too old. */
  isFresh(index: number): boolean {
    if (index > this.#highest) return true
    if (index < 0 || this.#highest - index >= REPLAY_WINDOW_PACKETS) return false
    const word = isSameWord(index, this.#highest) ? this.#highestWord : (this.#words[wordOf(index)] ?? 0)
    return (word & (1 << index)) === 0
  }

  /** Marks `index` as seen; call it only for a fresh one whose packet is authentic. */
  accept(index: number): void {
    if (!isSameWord(index, this.#highest)) {
      if (index < this.#highest) return this.#mark(index)
      this.#advance(index)
    }
    this.#highestWord |= 1 << index
    this.#highest = Math.max(this.#highest, index)
  }

  #mark(index: number): void {
    const word = wordOf(index)
    this.#words[word] = (this.#words[word] ?? 0) | (1 << index)
  }

  /** Goes on to the word of `index`, which lies beyond that of the highest so far. */
  #advance(index: number): void {
    this.#words[wordOf(this.#highest)] = this.#highestWord
    this.#highestWord = 0
    const newWords = Math.floor(index / WORD_BITS) - Math.floor(this.#highest / WORD_BITS)
    if (newWords >= RING_WORDS) this.#words.fill(0)
    else for (let i = 0; i < newWords; i++) this.#words[wordOf(index - i * WORD_BITS)] = 0
  }
}

function isSameWord(a: number, b: number): boolean {
  return Math.floor(a / WORD_BITS) === Math.floor(b / WORD_BITS)
}

/** Bit operators see the low 32 bits of an index, which is all that the ring needs. */
function wordOf(index: number): number {
  return (index >>> WORD_SHIFT) & (RING_WORDS - 1)
}

const WORD_BITS = 32
const WORD_SHIFT = 5

/** A power of two; 8 words hold four seconds of 20 ms packets, above the 64 packets of RFC 3711 section 3.3.2. */
const RING_WORDS = 8

/** How far behind the highest index a packet may arrive. */
export const REPLAY_WINDOW_PACKETS = (RING_WORDS - 1) * WORD_BITS
