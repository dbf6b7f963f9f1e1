/**
 * Reads what an Opus packet says of itself: the table-of-contents byte of RFC 6716 section 3.1.
 *
 * ```
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * | config  |s| c |   config: mode, bandwidth, frame length · s: stereo · c: how many frames
 * +-+-+-+-+-+-+-+-+
 * ```
 *
 * That is enough to schedule and count a packet without decoding it. Whether the frames inside have lengths
 * that fit (requirements R4, R6 and R7 of section 3.4) is left to the decoder, which checks it again anyway.
 */

import type { PacketFormat } from './packet-format.ts'

/** The coder that a packet was made with, RFC 6716 section 2. */
export type OpusMode = 'silk' | 'hybrid' | 'celt'

/** Why bytes are not an Opus packet. */
export type OpusPacketFault = 'opus-empty' | 'opus-uneven' | 'opus-no-frame-count' | 'opus-too-long'

/** A reused view of one Opus packet; its fields hold until the next `read`. */
export class OpusPacketView implements PacketFormat {
  /** The RTP clock runs at 48 kHz whatever the coded rate, RFC 7587 section 4.1. */
  readonly clockRateHz = 48_000
  mode: OpusMode = 'silk'
  channels: 1 | 2 = 1
  frameCount = 0
  /** Duration of the whole packet: 2.5 to 120 ms. */
  durationMillis = 0
  /** True when the packet carries no sound of its own: the sender's voice activity detector closed the line. */
  isDtx = false
  /** True when the packet repeats the sound of the one before it (in-band FEC); not told of packing code 3. */
  hasFec = false

  /** Reads the packet at `start`; the fields are meaningless after a fault. */
  read(memory: Uint8Array, start: number, length: number): OpusPacketFault | undefined {
    if (length < 1) return 'opus-empty'
    const toc = memory[start] ?? 0
    const frameCount = frameCountOf(toc, memory, start, length)
    if (typeof frameCount === 'string') return frameCount
    this.mode = modeOf(toc)
    this.channels = (toc & STEREO_BIT) === 0 ? 1 : 2
    this.frameCount = frameCount
    this.durationMillis = frameCount * frameMillisOf(toc)
    this.isDtx = length <= DTX_MAX_BYTES
    this.hasFec = !this.isDtx && repeatsLast(toc, memory, start, length)
    return this.durationMillis > MAX_DURATION_MILLIS ? 'opus-too-long' : undefined
  }
}

/**
 * Returns the packet that makes a decoder conceal 20 ms of what came before, given the first byte of the last
 * good packet: a frame of zero length is a lost frame, RFC 6716 section 3.2.1. Mode and bandwidth stay.
 */
export function lostFrameToc(toc: number): number {
  return (twentyMillisConfigOf(toc >> 3) << 3) | (toc & STEREO_BIT)
}

/**
 * Reads the low bit-rate redundancy flags of the first frame, RFC 6716 section 4.2.3: after one voice activity bit
 * for each 20 ms of a channel, and the range coder stores bits of even odds as they are, from the top.
 */
function repeatsLast(toc: number, memory: Uint8Array, start: number, length: number): boolean {
  const config = toc >> 3
  const code = toc & 3
  if (config >= CELT_CONFIG || code === 3) return false
  const at = code === 2 ? 1 + frameLengthBytes(memory, start + 1) : 1
  const flags = at < length ? (memory[start + at] ?? 0) : 0
  const silkFrames = config >= HYBRID_CONFIG ? 1 : Math.max(1, config & 3)
  const isMiddle = ((flags >> (7 - silkFrames)) & 1) === 1
  const isSide = (toc & STEREO_BIT) !== 0 && ((flags >> (6 - 2 * silkFrames)) & 1) === 1
  return isMiddle || isSide
}

/** A frame's length takes one byte up to 251 and two beyond, RFC 6716 section 3.2.1. */
function frameLengthBytes(memory: Uint8Array, at: number): 1 | 2 {
  return (memory[at] ?? 0) >= FRAME_LENGTH_LONG ? 2 : 1
}

/** The configuration of the same mode and bandwidth with 20 ms frames, RFC 6716 section 3.1, table 2. */
function twentyMillisConfigOf(config: number): number {
  if (config < HYBRID_CONFIG) return (config & ~3) | 1
  return config < CELT_CONFIG ? config | 1 : config | 3
}

function frameCountOf(
  toc: number,
  memory: Uint8Array,
  start: number,
  length: number,
): number | OpusPacketFault {
  switch (toc & 3) {
    case 0:
      return 1
    case 1:
      return length % 2 === 1 ? 2 : 'opus-uneven'
    case 2:
      return length >= 2 ? 2 : 'opus-no-frame-count'
    default: {
      const count = length >= 2 ? (memory[start + 1] ?? 0) & FRAME_COUNT_MASK : 0
      return count > 0 ? count : 'opus-no-frame-count'
    }
  }
}

function modeOf(toc: number): OpusMode {
  const config = toc >> 3
  if (config < HYBRID_CONFIG) return 'silk'
  return config < CELT_CONFIG ? 'hybrid' : 'celt'
}

/** Table 2 of RFC 6716 section 3.1: within a bandwidth the configurations go from the shortest frame to the longest. */
function frameMillisOf(toc: number): number {
  const config = toc >> 3
  if (config < HYBRID_CONFIG) return SILK_FRAME_MILLIS[config & 3] ?? 0
  if (config < CELT_CONFIG) return (config & 1) === 0 ? 10 : 20
  return CELT_FRAME_MILLIS[config & 3] ?? 0
}

/** The first configuration of hybrid and of CELT mode, RFC 6716 section 3.1, table 2. */
const HYBRID_CONFIG = 12
const CELT_CONFIG = 16

/** Frame lengths in the order of the configurations, RFC 6716 section 3.1, table 2. */
const SILK_FRAME_MILLIS = [10, 20, 40, 60]
const CELT_FRAME_MILLIS = [2.5, 5, 10, 20]

/** RFC 6716 section 3.2.1. */
const FRAME_LENGTH_LONG = 252

/** RFC 6716 section 3.1. */
const STEREO_BIT = 0x04

/** Low six bits of a code 3 packet's second byte, RFC 6716 section 3.2.5. */
const FRAME_COUNT_MASK = 0x3f

/** RFC 6716 section 3.4, requirement R5. */
const MAX_DURATION_MILLIS = 120

/** A packet this short has no room for a coded frame; every encoder marks silence with it (RFC 7587 section 3.1.3). */
const DTX_MAX_BYTES = 2
