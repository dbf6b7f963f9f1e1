/** An oracle for readers of packets where they lie: what lies around a packet must not matter. */

import { mustEqual } from './target.ts'

/** Reads `input` in the middle of zeros, and in the middle of ones; throws unless both readings are equal. */
export function readAmongOthers<T>(
  input: Uint8Array,
  read: (memory: Uint8Array, start: number, length: number) => T,
): T {
  const [first, second] = [0x00, 0xff].map((filler) => {
    const memory = new Uint8Array(input.length + 2 * AROUND_BYTES).fill(filler)
    memory.set(input, AROUND_BYTES)
    return read(memory, AROUND_BYTES, input.length)
  }) as [T, T]
  mustEqual(second, first, 'what lies around a packet matters')
  return first
}

/** More than any reader would look too far. */
const AROUND_BYTES = 64
