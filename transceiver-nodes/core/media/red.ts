/**
 * Redundant audio, RFC 2198 section 3: a packet that carries copies of the ones before it.
 *
 *     |F|  block PT   |  timestamp offset (14)  |  block length (10)  |   for each copy, F = 1
 *     |0|  block PT   |                                               for the packet's own sound
 *     copies, the oldest first, then the packet's own sound
 */

import { readU8 } from '#shared/bytes'

/** Why bytes are not redundant audio. */
export type RedFault = 'red-truncated' | 'red-too-many'

/** A reused view of one RED payload; its fields hold until the next `read`. The last block is the packet's own. */
export class RedView {
  blockCount = 0
  readonly payloadTypes = new Uint8Array(MAX_BLOCKS)
  /** How far the block's timestamp lies before the packet's. */
  readonly timestampOffsets = new Uint16Array(MAX_BLOCKS)
  readonly starts = new Uint32Array(MAX_BLOCKS)
  readonly lengths = new Uint16Array(MAX_BLOCKS)

  /** Reads the payload of `length` bytes at `start`; after a fault the fields mean nothing. */
  read(memory: Uint8Array, start: number, length: number): RedFault | undefined {
    const end = start + length
    let at = start
    for (this.blockCount = 0; ; this.blockCount++) {
      if (this.blockCount === MAX_BLOCKS) return 'red-too-many'
      if (at >= end) return 'red-truncated'
      const first = readU8(memory, at)
      this.payloadTypes[this.blockCount] = first & 0x7f
      if ((first & FOLLOW_BIT) === 0) break
      if (at + COPY_HEADER_BYTES > end) return 'red-truncated'
      const low = readU8(memory, at + 2)
      this.timestampOffsets[this.blockCount] = (readU8(memory, at + 1) << 6) | (low >> 2)
      this.lengths[this.blockCount] = ((low & 3) << 8) | readU8(memory, at + 3)
      at += COPY_HEADER_BYTES
    }
    return this.#placeBlocks(at + 1, end)
  }

  #placeBlocks(start: number, end: number): RedFault | undefined {
    let at = start
    for (let block = 0; block < this.blockCount; block++) {
      this.starts[block] = at
      at += this.lengths[block] ?? 0
    }
    if (at > end) return 'red-truncated'
    this.starts[this.blockCount] = at
    this.lengths[this.blockCount] = end - at
    this.timestampOffsets[this.blockCount] = 0
    this.blockCount++
    return undefined
  }
}

/** Another header follows. */
const FOLLOW_BIT = 0x80
const COPY_HEADER_BYTES = 4

/** More than any sender has: Chromium sends one or two copies. */
const MAX_BLOCKS = 8
