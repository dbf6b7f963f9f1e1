/**
 * Takes the packets out of a TCP stream: the framing of RFC 4571 section 2, which RFC 6544 section 3 asks of ICE
 * on TCP. docs/tcp.md.
 *
 *     | length 16 | packet of `length` bytes |
 *
 * A packet that lies whole in a chunk is read where it lies; only one that the chunk's end has cut is put together,
 * in memory that never grows. A length of 0 codes the null packet, which is passed over.
 */

import { readU16, writeU16 } from '#shared/bytes'
import { MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'

/** Reads one connection's stream: `open` for each chunk, then `next` until it says false. */
export class Rfc4571Reader {
  /** Where the packet lies that `next` found, until the next call. */
  memory: Uint8Array = NOTHING
  start = 0
  length = 0
  /** Set when a packet is longer than any client's may be: nothing behind it can be read. */
  fault: 'packet-too-long' | undefined = undefined
  #chunk: Uint8Array = NOTHING
  #at = 0
  /** A prefix and its packet, as far as they have come. */
  readonly #cut = new Uint8Array(LENGTH_PREFIX_BYTES + MAX_CLIENT_PAYLOAD_BYTES)
  #cutLength = 0

  /** Takes the next chunk of the stream; it must not change before `next` has said false. */
  open(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /** Goes to the next packet; false when the rest of the chunk has been kept, or on a fault. */
  next(): boolean {
    while (this.fault === undefined && (this.#readInPlace() || this.#readCut())) {
      if (this.length > 0) return true
    }
    this.memory = this.#chunk = NOTHING
    this.#at = 0
    return false
  }

  #readInPlace(): boolean {
    const left = this.#chunk.length - this.#at
    if (this.#cutLength > 0 || left < LENGTH_PREFIX_BYTES) return false
    if (!this.#measure(this.#chunk, this.#at) || left < LENGTH_PREFIX_BYTES + this.length) return false
    this.memory = this.#chunk
    this.start = this.#at + LENGTH_PREFIX_BYTES
    this.#at = this.start + this.length
    return true
  }

  #readCut(): boolean {
    if (!this.#gather(LENGTH_PREFIX_BYTES) || !this.#measure(this.#cut, 0)) return false
    if (!this.#gather(LENGTH_PREFIX_BYTES + this.length)) return false
    this.memory = this.#cut
    this.start = LENGTH_PREFIX_BYTES
    this.#cutLength = 0
    return true
  }

  #measure(memory: Uint8Array, at: number): boolean {
    this.length = readU16(memory, at)
    if (this.length > MAX_CLIENT_PAYLOAD_BYTES) this.fault = 'packet-too-long'
    return this.fault === undefined
  }

  /** Moves bytes of the chunk to the cut packet until that has `length`; false while it has fewer. */
  #gather(length: number): boolean {
    const end = Math.min(this.#chunk.length, this.#at + Math.max(0, length - this.#cutLength))
    this.#cut.set(this.#chunk.subarray(this.#at, end), this.#cutLength)
    this.#cutLength += end - this.#at
    this.#at = end
    return this.#cutLength >= length
  }
}

/** Returns a copy of `packet`, shorter than 2^16 bytes, with its length in front. */
export function framePacket(packet: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_PREFIX_BYTES + packet.length)
  writeU16(framed, 0, packet.length)
  framed.set(packet, LENGTH_PREFIX_BYTES)
  return framed
}

/** Bytes of the length in front of each packet, RFC 4571 section 2. */
const LENGTH_PREFIX_BYTES = 2

const NOTHING = new Uint8Array(0)
