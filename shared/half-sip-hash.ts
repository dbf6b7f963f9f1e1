/**
 * HalfSipHash-1-3: a keyed hash of 32-bit words for hash tables (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", in the 32-bit variant that Linux uses for its own tables).
 *
 * With a key that an attacker does not know, nobody can choose addresses that collide. It is no MAC: the output
 * has 32 bits.
 */

/** Hashes `count` words from `at` on, followed by the word `last`, under a key of two words. */
export function halfSipHash(
  words: Int32Array,
  at: number,
  count: number,
  last: number,
  key0: number,
  key1: number,
): number {
  let v0 = key0 | 0
  let v1 = key1 | 0
  let v2 = INITIAL_V2 ^ key0
  let v3 = INITIAL_V3 ^ key1
  // The round stands here twice, in two loops without branches: this runs for every packet.
  for (let i = 0; i < count + 2; i++) {
    const word = i < count ? (words[at + i] ?? 0) : i === count ? last : (count + 1) << 26
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  v2 ^= 0xff
  for (let i = 0; i < 3; i++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  return v1 ^ v3
}

/** The halves of the initial state that the key does not fill: the ASCII text "lygetedb". */
const INITIAL_V2 = 0x6c796765
const INITIAL_V3 = 0x74656462
