/**
 * A payload as an array of its own without allocating one: copied to memory that a thread's receivers share, of
 * which there is one view for each length that has occurred.
 */

/** Shows `length` bytes at `start` of `memory`, up to `MAX_VIEW_BYTES`; valid until the next call on this thread. */
export function payloadView(memory: Uint8Array, start: number, length: number): Uint8Array {
  for (let i = 0; i < length; i++) SHARED[i] = memory[start + i] ?? 0
  return (VIEWS[length] ??= SHARED.subarray(0, length))
}

/** No datagram from a client carries a longer payload. */
export const MAX_VIEW_BYTES = 1_500

const SHARED = new Uint8Array(new ArrayBuffer(MAX_VIEW_BYTES))
const VIEWS = Array.from({ length: MAX_VIEW_BYTES + 1 }, (): Uint8Array | undefined => undefined)
