/**
 * Gathers framed packets into link datagrams, one upstream at a time: docs/link.md.
 *
 * Packets wait in slots with room for the frame's header in front, and leave when the turn that brought them
 * ends. Packets for one upstream share a datagram in the order they came, as long as it stays within the link's
 * MTU; a packet too long for that travels in a datagram of its own.
 */

import {
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  MAX_BUNDLE_BYTES,
  MAX_CLIENT_PAYLOAD_BYTES,
  MAX_FRAME_HEADER_BYTES,
  writeLinkHeader,
} from '#shared/link/frame'

/** Packets of one turn. */
export class LinkBundles {
  /** Where packets are written, at `slotStart`. */
  readonly memory = new Uint8Array(SLOTS * SLOT_BYTES)
  readonly #cookie: Uint8Array
  readonly #upstreams = new Int32Array(SLOTS)
  readonly #starts = new Int32Array(SLOTS)
  readonly #lengths = new Int32Array(SLOTS)
  #count = 0

  /** `cookie` is the relay's boot secret, which every datagram carries. */
  constructor(cookie: Uint8Array) {
    this.#cookie = cookie
  }

  /** Where the next packet goes: `MAX_CLIENT_PAYLOAD_BYTES`, with `MAX_FRAME_HEADER_BYTES` free in front. */
  get slotStart(): number {
    return this.#count * SLOT_BYTES + MAX_FRAME_HEADER_BYTES
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Whether `flush` must come before the next `add`. */
  get isFull(): boolean {
    return this.#count === SLOTS
  }

  /** Keeps the packet in the slot at `slotStart`, whose header is `headerBytes` long, for `upstream`. */
  add(upstream: number, headerBytes: number, payloadLength: number): void {
    this.#upstreams[this.#count] = upstream
    this.#starts[this.#count] = this.slotStart - headerBytes
    this.#lengths[this.#count] = headerBytes + payloadLength
    this.#count++
  }

  /** Hands over every packet, in datagrams that the receiver may keep. */
  flush(send: (upstream: number, datagram: Uint8Array) => void): void {
    for (let slot = 0; slot < this.#count; slot++) {
      const upstream = this.#upstreams[slot] ?? TAKEN
      if (upstream !== TAKEN) send(upstream, this.#takeDatagram(upstream, slot))
    }
    this.#count = 0
  }

  #takeDatagram(upstream: number, first: number): Uint8Array {
    const datagram = new Uint8Array(DATAGRAM_BYTES)
    let length = writeLinkHeader(datagram, 0, LINK_TYPE_DATA, this.#cookie)
    for (let slot = first; slot < this.#count; slot++) {
      if (this.#upstreams[slot] !== upstream) continue
      const start = this.#starts[slot] ?? 0
      const frameLength = this.#lengths[slot] ?? 0
      if (slot > first && length + frameLength > MAX_BUNDLE_BYTES) break
      datagram.set(this.memory.subarray(start, start + frameLength), length)
      length += frameLength
      this.#upstreams[slot] = TAKEN
    }
    return datagram.subarray(0, length)
  }
}

/** Bound on packets of one turn: libuv reads up to 32 datagrams of each socket before it goes on. */
const SLOTS = 64
const SLOT_BYTES = MAX_FRAME_HEADER_BYTES + MAX_CLIENT_PAYLOAD_BYTES
/** The longest datagram with one frame; one with several is shorter. */
const DATAGRAM_BYTES = LINK_HEADER_BYTES + SLOT_BYTES
/** The packet of this slot has left. */
const TAKEN = -1
