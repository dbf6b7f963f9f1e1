/**
 * The alphabet of ICE ufrags and passwords: ice-char, RFC 8839 section 5.4.
 *
 * ALPHA / DIGIT / "+" / "/" is the base64 alphabet (RFC 4648 section 4), so each character carries six bits.
 */

/** Returns the character code of six bits. */
export function iceCharOf(sextet: number): number {
  return CODES[sextet & 63] ?? 0
}

/** Returns the six bits of a character code, or -1 if it is not an ice-char. */
export function sextetOf(code: number): number {
  return SEXTETS[code] ?? -1
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const CODES = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0))
const SEXTETS = new Int8Array(256).fill(-1)
CODES.forEach((code, sextet) => (SEXTETS[code] = sextet))
