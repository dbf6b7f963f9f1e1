/**
 * A codec as the media path uses it: packets lie in somebody's memory, samples are 24 kHz mono PCM16.
 *
 * What a decoder returns lies in memory that is used again: it holds until the next call of any decoder.
 */

/** Turns the packets of one stream into sound. */
export interface VoiceDecoder {
  /** Returns the samples of the packet of `length` bytes at `start`, or undefined if it is none; that changes nothing. */
  decode(memory: Uint8Array, start: number, length: number): Int16Array | undefined
  /**
   * Returns `durationMillis` of sound that were lost before this packet, from what it repeats of them (in-band
   * FEC); to be asked before the packet itself is decoded. Undefined: this decoder cannot.
   */
  recover(memory: Uint8Array, start: number, length: number, durationMillis: number): Int16Array | undefined
  /** Returns `durationMillis` (whole 2.5 ms, at most 120) that stand for sound that did not arrive. */
  conceal(durationMillis: number): Int16Array
  /** Frees the decoder; it must not be used again. */
  close(): void
}

/** Turns frames of 20 ms into the packets of one stream. */
export interface VoiceEncoder {
  /**
   * Writes the packet for one frame to `start` of `memory` and returns its length, at most `room`; throws a
   * `RangeError` for any other number of samples.
   */
  encode(samples: Int16Array, memory: Uint8Array, start: number, room: number): number
  /** Says how many percent of the packets the other side reports as lost, so that the coding can allow for it. */
  expectLoss(percent: number): void
  /** Frees the encoder; it must not be used again. */
  close(): void
}
