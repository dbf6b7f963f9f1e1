/** Packets of G.711: one byte for each sample at 8 kHz, and nothing else. RFC 3551 section 4.5.14. */

import type { PacketFormat } from './packet-format.ts'

/** Why bytes are no packet of G.711. */
export type G711PacketFault = 'g711-empty' | 'g711-too-long'

/** A reused view of one packet. */
export class G711PacketView implements PacketFormat {
  readonly clockRateHz = G711_RATE_HZ
  readonly isDtx = false
  readonly hasFec = false
  durationMillis = 0

  /** Reads the packet of `length` bytes: only the length says something. */
  read(_memory: Uint8Array, _start: number, length: number): G711PacketFault | undefined {
    if (length < 1) return 'g711-empty'
    this.durationMillis = (length * 1000) / G711_RATE_HZ
    return this.durationMillis > MAX_DURATION_MILLIS ? 'g711-too-long' : undefined
  }
}

/** RFC 3551 table 4. */
export const G711_RATE_HZ = 8_000

/** As long as the longest packet of Opus; senders of G.711 use 20 ms, seldom 60. */
const MAX_DURATION_MILLIS = 120
