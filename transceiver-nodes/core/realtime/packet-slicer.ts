/**
 * Cuts a backend's G.711 stream into the packets that RTP carries: 20 ms, 160 octets (RFC 3551 section 4.5.14).
 *
 * Pieces come in any length; what is left over waits for the next one, and the end of a part is filled with silence.
 */

/** Cuts one part after another. */
export class PacketSlicer {
  readonly #silence: number
  #rest = new Uint8Array(0)

  /** `silence` is the octet of a zero sample in the codec. */
  constructor(silence: number) {
    this.#silence = silence
  }

  /** Hands `onPacket` every packet that `piece` completes; packets are views into it or into a copy, never reused. */
  push(piece: Uint8Array, onPacket: (packet: Uint8Array) => void): void {
    const bytes = this.#rest.length === 0 ? piece : this.#join(piece)
    let at = 0
    for (; at + PACKET_OCTETS <= bytes.length; at += PACKET_OCTETS)
      onPacket(bytes.subarray(at, at + PACKET_OCTETS))
    this.#rest = bytes.slice(at)
  }

  /** Ends the part: hands out what is left, filled with silence. */
  flush(onPacket: (packet: Uint8Array) => void): void {
    if (this.#rest.length === 0) return
    const packet = new Uint8Array(PACKET_OCTETS).fill(this.#silence)
    packet.set(this.#rest)
    this.#rest = new Uint8Array(0)
    onPacket(packet)
  }

  #join(piece: Uint8Array): Uint8Array {
    const joined = new Uint8Array(this.#rest.length + piece.length)
    joined.set(this.#rest)
    joined.set(piece, this.#rest.length)
    return joined
  }
}

/** The octet of a zero sample, ITU-T G.711 tables 2a and 2b with the inversions of their notes. */
export const G711_SILENCE = { pcmu: 0xff, pcma: 0xd5 } as const
/** G.711 has 8,000 octets per second, RFC 3551 sections 4.5.14 and 4.5.10. */
export const G711_OCTETS_PER_MILLI = 8
const PACKET_OCTETS = 20 * G711_OCTETS_PER_MILLI
