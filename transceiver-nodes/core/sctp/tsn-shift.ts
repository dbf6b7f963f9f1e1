/**
 * Moves the peer's TSNs (RFC 9260 section 3.3.1) to where the association behind can order them.
 *
 * werift sorts TSNs as text: a loss just where they gain a digit, or wrap, would stall it. So it is shown TSNs that
 * begin at 10^9 whatever the peer's begin at: from there on all have ten digits, and none wraps before 3 * 10^9
 * chunks. Only what names a TSN of the peer's is rewritten: INIT, INIT ACK, DATA and FORWARD TSN on the way in, SACK
 * on the way out. Packets must be well formed, as those that were admitted or that werift has written are.
 */

import { readU16, readU32, readU8, writeU32 } from '#shared/bytes'
import { withChecksum } from './packet.ts'

/** The first TSN that the association is shown. */
export const FIRST_SHOWN_TSN = 1_000_000_000

/** Returns the initial TSN of an INIT or INIT ACK, which comes first in its packet; undefined: it has none. */
export function initialTsnOf(packet: Uint8Array): number | undefined {
  const type = readU8(packet, HEADER_BYTES)
  return type === INIT || type === INIT_ACK ? readU32(packet, HEADER_BYTES + INITIAL_TSN_AT) : undefined
}

/** Adds `by` to every TSN that the peer's packet names, in place. */
export function shiftReceived(packet: Uint8Array, by: number): void {
  shift(packet, RECEIVED_TSN_AT, by)
}

/** Takes `by` from every TSN that our packet acknowledges, in place. */
export function unshiftSent(packet: Uint8Array, by: number): void {
  shift(packet, SENT_TSN_AT, -by)
}

function shift(packet: Uint8Array, tsnAtByType: ReadonlyMap<number, number>, by: number): void {
  let isChanged = false
  for (let at = HEADER_BYTES; at + CHUNK_HEADER_BYTES <= packet.length;) {
    const type = readU8(packet, at)
    const tsnAt = tsnAtByType.get(type)
    if (tsnAt !== undefined) {
      add(packet, at + tsnAt, by)
      if (type === SACK) shiftDuplicates(packet, at, by)
      isChanged = true
    }
    at += Math.max(CHUNK_HEADER_BYTES, (readU16(packet, at + 2) + 3) & ~3)
  }
  if (isChanged) withChecksum(packet)
}

/** RFC 9260 section 3.3.4: gaps are relative, duplicates are not. */
function shiftDuplicates(packet: Uint8Array, at: number, by: number): void {
  const first = at + SACK_BYTES + 4 * readU16(packet, at + 12)
  for (let i = 0; i < readU16(packet, at + 14); i++) add(packet, first + 4 * i, by)
}

function add(packet: Uint8Array, at: number, by: number): void {
  writeU32(packet, at, (readU32(packet, at) + by) >>> 0)
}

/** RFC 9260 sections 3.1, 3.2 and 3.3.4. */
const HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 4
const SACK_BYTES = 16

/** Chunk types, and where their TSN stands: RFC 9260 sections 3.3.1 to 3.3.4, RFC 3758 section 3.2. */
const INIT = 1
const INIT_ACK = 2
const SACK = 3
const INITIAL_TSN_AT = 16
const RECEIVED_TSN_AT: ReadonlyMap<number, number> = new Map([
  [0, 4],
  [INIT, INITIAL_TSN_AT],
  [INIT_ACK, INITIAL_TSN_AT],
  [192, 4],
])
const SENT_TSN_AT: ReadonlyMap<number, number> = new Map([[SACK, 4]])
