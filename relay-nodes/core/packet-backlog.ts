/**
 * Packets that wait until a slow reader takes them, in a bounded number of bytes: docs/tcp.md, "Slow readers".
 *
 * The oldest give way to the newest. Whole packets only, so the stream stays readable, and everything above it
 * knows how to lose a packet; what it cannot do is to hear speech that is late.
 */

/** A queue for one connection. */
export class PacketBacklog {
  readonly #maxBytes: number
  readonly #packets: Uint8Array[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Keeps a packet that is no longer than the whole queue, and returns how many older ones had to go. */
  add(packet: Uint8Array): number {
    let dropped = 0
    while (this.#bytes + packet.length > this.#maxBytes && this.take() !== undefined) dropped++
    this.#packets.push(packet)
    this.#bytes += packet.length
    return dropped
  }

  /** Takes out the oldest packet. */
  take(): Uint8Array | undefined {
    const packet = this.#packets.shift()
    this.#bytes -= packet?.length ?? 0
    return packet
  }
}
