/**
 * One Opus packet between transceiver and backend: a binary message of the WebSocket subprotocol
 * `firsthop.realtime.v1`, docs/backends.md.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-------+-----+-+---------------+-------------------------------+
 * | kind  |  0  |L|   duration    |           sequence            |
 * +-------+-----+-+---------------+-------------------------------+
 * |                        part reference                         |
 * +---------------------------------------------------------------+
 * |  one Opus packet; nothing when L is set …
 * +---------------------------------------------------------------
 * ```
 *
 * kind is 1. L: the packet was lost on its way from the client. duration counts 2.5 ms, the shortest Opus frame.
 * sequence grows by one per message and direction, modulo 2^16; a gap is audio that the sender dropped.
 * What a part reference stands for is said in events; 0 is the microphone.
 */

import { readU16, readU32, readU8, writeU16, writeU32 } from '#shared/bytes'

/** Why a binary message is not an audio frame. */
export type AudioFrameFault = 'frame-truncated' | 'frame-kind' | 'frame-duration' | 'frame-payload'

/** A reused view of one audio frame; its fields hold until the next `read`. */
export class AudioFrameView {
  isLost = false
  durationMillis = 0
  sequence = 0
  part = 0
  /** The Opus packet: the `payloadLength` bytes from `payloadStart` on, none when it was lost. */
  payloadStart = 0
  payloadLength = 0

  /** Reads the frame that fills `memory`; the fields are meaningless after a fault. */
  read(memory: Uint8Array): AudioFrameFault | undefined {
    if (memory.length < AUDIO_FRAME_HEADER_BYTES) return 'frame-truncated'
    const first = readU8(memory, 0)
    if ((first & ~LOST_BIT) !== KIND_AUDIO << 4) return 'frame-kind'
    const units = readU8(memory, 1)
    if (units < 1 || units > MAX_DURATION_UNITS) return 'frame-duration'
    this.isLost = (first & LOST_BIT) !== 0
    this.durationMillis = units * MILLIS_PER_UNIT
    this.sequence = readU16(memory, 2)
    this.part = readU32(memory, 4)
    this.payloadStart = AUDIO_FRAME_HEADER_BYTES
    this.payloadLength = memory.length - AUDIO_FRAME_HEADER_BYTES
    return this.isLost === (this.payloadLength === 0) ? undefined : 'frame-payload'
  }
}

/**
 * Writes the header of a frame at the start of `memory`; the payload follows it. A duration that is not a multiple
 * of 2.5 ms up to 120 ms is a `RangeError`: no Opus packet lasts that long (RFC 6716 section 3.2.5).
 */
export function writeAudioFrameHeader(
  memory: Uint8Array,
  isLost: boolean,
  durationMillis: number,
  sequence: number,
  part: number,
): void {
  const units = durationMillis / MILLIS_PER_UNIT
  if (!Number.isInteger(units) || units < 1 || units > MAX_DURATION_UNITS) {
    throw new RangeError(`a packet lasts 2.5 to 120 ms, not ${durationMillis}`)
  }
  memory[0] = (KIND_AUDIO << 4) | (isLost ? LOST_BIT : 0)
  memory[1] = units
  writeU16(memory, 2, sequence)
  writeU32(memory, 4, part)
}

/** The name that a transceiver offers, and a backend that takes Opus chooses: RFC 6455 section 1.9. */
export const AUDIO_SUBPROTOCOL = 'firsthop.realtime.v1'
/** docs/backends.md: bytes before the Opus packet. */
export const AUDIO_FRAME_HEADER_BYTES = 8
/** docs/backends.md: the part reference of all that the client says. */
export const MICROPHONE_PART = 0
/** docs/backends.md: the only kind of binary message so far. */
const KIND_AUDIO = 1
/** docs/backends.md: the packet was lost. */
const LOST_BIT = 0x01
/** The shortest Opus frame, RFC 6716 section 2. */
const MILLIS_PER_UNIT = 2.5
/** 120 ms, RFC 6716 section 3.2.5. */
const MAX_DURATION_UNITS = 48
