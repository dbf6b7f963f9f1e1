/** What the media path reads of a codec's packet without decoding it: a reused view. */

import type { OpusPacketFault } from './opus-packet.ts'
import type { G711PacketFault } from './g711-packet.ts'

/** Why bytes are no packet of the call's codec. */
export type PacketFormatFault = OpusPacketFault | G711PacketFault

/** A view of one packet; its fields hold until the next `read`. */
export interface PacketFormat {
  /** Rate of the RTP timestamps. */
  readonly clockRateHz: number
  readonly durationMillis: number
  /** True when the packet says that silence follows, for which there will be no packets. */
  readonly isDtx: boolean
  /** True when the packet repeats the sound of the one before it. */
  readonly hasFec: boolean
  /** Reads the packet of `length` bytes at `start`; after a fault the fields mean nothing. */
  read(memory: Uint8Array, start: number, length: number): PacketFormatFault | undefined
}
