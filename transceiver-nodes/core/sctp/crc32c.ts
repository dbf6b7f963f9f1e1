/** The checksum of SCTP packets: CRC-32C (Castagnoli), RFC 9260 appendix A, by table. */

import { readU8 } from '#shared/bytes'

/** Returns the CRC-32C of the bytes from `start` up to `end`, going on from `crc`, the value of those before. */
export function crc32c(memory: Uint8Array, start: number, end: number, crc = 0): number {
  let register = ~crc
  for (let at = start; at < end; at++) {
    register = (register >>> 8) ^ (TABLE[(register ^ readU8(memory, at)) & 0xff] ?? 0)
  }
  return ~register >>> 0
}

/** The polynomial 0x1EDC6F41 with its bits reversed, RFC 9260 appendix A. */
const POLYNOMIAL = 0x82f6_3b78

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let register = byte
  for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (register & 1 ? POLYNOMIAL : 0)
  return register
})
