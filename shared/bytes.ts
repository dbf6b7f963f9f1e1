/**
 * Bytes in memory: big-endian numbers by offset, comparison, and the text forms of bytes.
 *
 * The number functions are the ground of every codec on the packet path: they allocate nothing, and a read
 * beyond the end gives zero bits, so bounds are the caller's business. The text decoders are strict: one text
 * per value (RFC 4648 sections 3.5 and 5), and `undefined` for everything else.
 */

/** Reads the byte at `at`. */
export function readU8(memory: Uint8Array, at: number): number {
  return memory[at] ?? 0
}

/** Reads an unsigned 16-bit number in network order. */
export function readU16(memory: Uint8Array, at: number): number {
  return (readU8(memory, at) << 8) | readU8(memory, at + 1)
}

/** Reads 32 bits in network order as a signed number, the form that fits a register and an `Int32Array`. */
export function readI32(memory: Uint8Array, at: number): number {
  return (readU16(memory, at) << 16) | readU16(memory, at + 2)
}

/** Reads an unsigned 32-bit number in network order. */
export function readU32(memory: Uint8Array, at: number): number {
  return readI32(memory, at) >>> 0
}

/** Writes the low 16 bits of `value` in network order. */
export function writeU16(memory: Uint8Array, at: number, value: number): void {
  memory[at] = value >>> 8
  memory[at + 1] = value
}

/** Writes the low 32 bits of `value`, signed or unsigned, in network order. */
export function writeU32(memory: Uint8Array, at: number, value: number): void {
  writeU16(memory, at, value >>> 16)
  writeU16(memory, at + 2, value)
}

/** Tells whether both hold the same bytes, in a time that depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && matchesAt(a, 0, b)
}

/** Tells whether `expected` stands in `memory` at `at`, in a time that depends on its length only. */
export function matchesAt(memory: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at + expected.length > memory.length) return false
  let difference = 0
  for (let i = 0; i < expected.length; i++) difference |= readU8(memory, at + i) ^ readU8(expected, i)
  return difference === 0
}

/** Joins `parts` into one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Writes `bytes` as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Reads hexadecimal digits of either case; `undefined` if any character is not one, or if one is left over. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(i * 2, i * 2 + 2), 16),
  )
}

/** Writes `bytes` in base64 with padding, RFC 4648 section 4. */
export function toBase64(bytes: Uint8Array): string {
  const text = encodeSextets(bytes, BASE64_ALPHABET)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** Reads base64 with padding; `undefined` unless it is exactly what `toBase64` writes. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = decodeSextets(text.replace(/={1,2}$/, ''), BASE64_ALPHABET)
  return bytes !== undefined && toBase64(bytes) === text ? bytes : undefined
}

/** Writes `bytes` in base64url without padding, RFC 4648 section 5. */
export function toBase64Url(bytes: Uint8Array): string {
  return encodeSextets(bytes, BASE64URL_ALPHABET)
}

/** Reads base64url without padding; `undefined` unless it is exactly what `toBase64Url` writes. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = decodeSextets(text, BASE64URL_ALPHABET)
  return bytes !== undefined && toBase64Url(bytes) === text ? bytes : undefined
}

/** Writes `text` in UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return UTF8_ENCODER.encode(text)
}

/** Reads UTF-8; `undefined` if `bytes` are not well-formed. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8_DECODER.decode(bytes)
  } catch {
    return undefined
  }
}

function encodeSextets(bytes: Uint8Array, alphabet: string): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (readU8(bytes, at) << 16) | readU16(bytes, at + 1)
    const sextets = Math.min(bytes.length - at, 3) + 1
    for (let i = 0; i < sextets; i++) text += alphabet.charAt((group >>> (18 - 6 * i)) & 63)
  }
  return text
}

function decodeSextets(text: string, alphabet: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8))
  let bits = 0
  for (let i = 0; i < text.length; i++) {
    const sextet = alphabet.indexOf(text.charAt(i))
    if (sextet < 0) return undefined
    bits = (bits << 6) | sextet
    // Four characters make three bytes: characters 1, 2 and 3 of a group each complete one.
    if (i % 4 !== 0) bytes[Math.floor((i * 6) / 8)] = bits >>> (6 - 2 * (i % 4))
  }
  return bytes
}

/** RFC 4648 section 4, table 1. */
const BASE64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** RFC 4648 section 5, table 2. */
const BASE64URL_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const UTF8_ENCODER = new TextEncoder()
const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
