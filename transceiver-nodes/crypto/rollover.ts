/**
 * Extends a 16-bit RTP sequence number to the 48-bit packet index, RFC 3711 section 3.3.1 and appendix A.
 *
 * The index is `rollover counter * 2^16 + sequence`: exact as a number, and its low 32 bits survive JavaScript's
 * bit operators. The estimate takes the candidate nearest to the highest index so far, so it follows any loss of
 * less than 2^15 packets across a wrap. After more, the RFC has no answer: packets fail their authentication.
 */

/** The index of `sequence` nearest to `highest`, the highest so far or -1; below 0: before the stream began. */
export function estimateIndex(highest: number, sequence: number): number {
  if (highest < 0) return sequence
  const last = highest & SEQUENCE_MASK
  const rolled = highest - last
  if (last < HALF_RANGE) {
    return sequence - last > HALF_RANGE ? rolled - SEQUENCE_RANGE + sequence : rolled + sequence
  }
  return last - HALF_RANGE > sequence ? rolled + SEQUENCE_RANGE + sequence : rolled + sequence
}

/** The rollover counter in `index`, its upper 32 of 48 bits. */
export function rolloverOf(index: number): number {
  return Math.floor(index / SEQUENCE_RANGE)
}

/** One more than the highest index that fits 48 bits: RFC 3711 section 9.2 ends a key's life there. */
export const INDEX_LIMIT = 2 ** 48

const SEQUENCE_RANGE = 0x10000
const SEQUENCE_MASK = 0xffff
const HALF_RANGE = 0x8000
