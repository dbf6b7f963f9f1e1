/**
 * Packets of a codec that wait to be sent, copied one behind the other into pages of memory.
 *
 *     page    | length 16 | packet | length 16 | packet | ... | 0 16 |
 *
 * An array of their own for each packet would cost more than the packet. A queue that runs empty, as that of a
 * conversation does all the time, begins again on the page it has; one that always holds a little takes turns with two.
 */

import { readU16, writeU16 } from '#shared/bytes'

/** A first-in, first-out queue of packets. */
export class PacketQueue {
  /** Where the packet of the last `shift` lies in `memory`, valid until the next `push`. */
  start = 0
  length = 0
  #count = 0
  readonly #pages: Uint8Array[] = []
  /** The page that was read to its end last. */
  #spare: Uint8Array | undefined
  #readAt = 0
  #writeAt = PAGE_BYTES

  /** Holds the packet of the last `shift`. */
  get memory(): Uint8Array {
    return this.#pages[0] ?? NO_MEMORY
  }

  /** How many packets wait. */
  get count(): number {
    return this.#count
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    const page = this.#pages[0] ?? NO_MEMORY
    return (page[this.#readAt] ?? 0) + (page[0] ?? 0) + (page[LINE_BYTES] ?? 0)
  }

  /** Appends a copy of `packet`; throws a `RangeError` when it is empty or longer than `MAX_QUEUED_BYTES`. */
  push(packet: Uint8Array): void {
    const { length } = packet
    if (length === 0 || length > MAX_QUEUED_BYTES) throw new RangeError(`a packet of ${length} bytes`)
    const page = this.#pageFor(LENGTH_BYTES + length)
    writeU16(page, this.#writeAt, length)
    const start = this.#writeAt + LENGTH_BYTES
    for (let i = 0; i < length; i++) page[start + i] = packet[i] ?? 0
    this.#writeAt = start + length
    this.#count++
  }

  /** Takes the oldest packet out and shows it; false: there is none. */
  shift(): boolean {
    if (this.#count === 0) return false
    if (this.#atEndOfPage()) {
      this.#spare = this.#pages.shift()
      this.#readAt = 0
    }
    this.start = this.#readAt + LENGTH_BYTES
    this.length = readU16(this.memory, this.#readAt)
    this.#readAt = this.start + this.length
    this.#count--
    return true
  }

  #atEndOfPage(): boolean {
    const left = PAGE_BYTES - this.#readAt
    return left < LENGTH_BYTES || readU16(this.#pages[0] ?? NO_MEMORY, this.#readAt) === 0
  }

  /** The page that the next packet goes to, with room for `bytes` at `#writeAt`. */
  #pageFor(bytes: number): Uint8Array {
    if (this.#count === 0 && this.#pages.length > 0) {
      if (this.#pages.length > 1) this.#pages.length = 1
      this.#readAt = 0
      this.#writeAt = 0
    }
    const last = this.#pages.at(-1)
    if (last !== undefined && this.#writeAt + bytes <= PAGE_BYTES) return last
    if (last !== undefined && this.#writeAt + LENGTH_BYTES <= PAGE_BYTES) writeU16(last, this.#writeAt, 0)
    const page = this.#spare ?? new Uint8Array(new ArrayBuffer(PAGE_BYTES))
    this.#spare = undefined
    this.#pages.push(page)
    this.#writeAt = 0
    return page
  }
}

const PAGE_BYTES = 2_048
const LENGTH_BYTES = 2
/** What a processor fetches at once. */
const LINE_BYTES = 64
/** The longest packet that is taken. */
export const MAX_QUEUED_BYTES = PAGE_BYTES - LENGTH_BYTES
const NO_MEMORY = new Uint8Array(new ArrayBuffer(0))
