/**
 * Memory whose native address is known, so that the kernel and OpenSSL work on packets where they lie.
 *
 * V8 may move a small typed array, and frees what nobody references; the storage of an `ArrayBuffer` stays put
 * while it is referenced. So the address is taken once, and this object keeps the storage alive: whoever holds an
 * address holds the object. Never transfer the buffer to another thread.
 */

import { addressOf } from './native.ts'
import type { Address } from './native.ts'

/** A block of memory for packets, headers and keys, with its address. */
export class PacketMemory {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly address: Address

  /** Allocates `length` zero bytes; throws a `RangeError` unless that is a positive whole number. */
  constructor(length: number) {
    if (!Number.isSafeInteger(length) || length <= 0) throw new RangeError(`memory of ${length} bytes`)
    this.bytes = new Uint8Array(new ArrayBuffer(length))
    this.address = addressOf(this.bytes.buffer)
  }

  /** Tells whether `length` bytes at `start` lie inside: native code checks no bounds. */
  holds(start: number, length: number): boolean {
    return start >= 0 && length >= 0 && start + length <= this.bytes.length
  }
  /** Throws a `RangeError` unless `length` bytes at `start` lie inside. */
  demandRoom(start: number, length: number): void {
    if (!this.holds(start, length))
      throw new RangeError(`the memory is too small for ${length} bytes at ${start}`)
  }
}
