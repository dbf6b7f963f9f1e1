/**
 * Endpoints as the system has them: `struct sockaddr_in` and `struct sockaddr_in6` (man 7 ip, man 7 ipv6), in memory that
 * is written by 32-bit words, which both ABIs store with the low byte first; what is in network order there goes through
 * `swapBytes`.
 *
 * ```
 * word     0               1         2 .. 5            6
 *  IPv4    family, port    address
 *  IPv6    family, port    flow      address           scope
 * ```
 */

import { IPV4_MAPPED_WORD } from '#shared/endpoint'
import { writeU16 } from '#shared/bytes'
import * as libc from './libc.ts'

/** Returns how long the name of a socket of this family is. */
export function nameBytes(isIpv6: boolean): number {
  return isIpv6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES
}

/** Encodes an address of 16 bytes and a port as the name of a socket of the family. */
export function encodeName(address: Uint8Array, port: number, isIpv6: boolean): Uint8Array {
  const name = new Uint8Array(nameBytes(isIpv6))
  // sa_family is in host order, and both ABIs are little-endian.
  name[0] = isIpv6 ? libc.AF_INET6 : libc.AF_INET
  writeU16(name, 2, port)
  if (isIpv6) name.set(address, IPV6_ADDRESS)
  else name.set(address.subarray(12), IPV4_ADDRESS)
  return name
}

/** Reads the `struct sockaddr` at `native[name]` as the endpoint words of a client of `listener`. */
export function readName(
  native: Int32Array,
  name: number,
  words: Int32Array,
  at: number,
  listener: number,
): void {
  const familyAndPort = native[name] ?? 0
  words[at + 4] = (swapBytes(familyAndPort) & 0xffff) | (listener << 16)
  if ((familyAndPort & 0xffff) === libc.AF_INET6) {
    for (let i = 0; i < 4; i++) words[at + i] = swapBytes(native[name + IPV6_WORD + i] ?? 0)
    return
  }
  words[at] = 0
  words[at + 1] = 0
  words[at + 2] = IPV4_MAPPED_WORD
  words[at + 3] = swapBytes(native[name + IPV4_WORD] ?? 0)
}

/** Writes the endpoint at `words[at]` to `native[name]`, as the `struct sockaddr` of its socket's family. */
export function writeName(
  native: Int32Array,
  name: number,
  words: Int32Array,
  at: number,
  isIpv6: boolean,
): void {
  const port = swapBytes(words[at + 4] ?? 0) & PORT_MASK
  if (isIpv6) {
    native[name] = libc.AF_INET6 | port
    for (let i = 0; i < 4; i++) native[name + IPV6_WORD + i] = swapBytes(words[at + i] ?? 0)
    return
  }
  native[name] = libc.AF_INET | port
  native[name + IPV4_WORD] = swapBytes(words[at + 3] ?? 0)
}

/** Tells whether the names at two places are the same. */
export function isSameName(native: Int32Array, a: number, b: number): boolean {
  for (let i = 0; i < SOCKADDR_BYTES / 4; i++) if (native[a + i] !== native[b + i]) return false
  return true
}

/** Turns a 32-bit word around, between network order and that of the machine. */
function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}

/** Room for either `struct sockaddr`, aligned. */
export const SOCKADDR_BYTES = 32
const SOCKADDR_IN_BYTES = 16
const SOCKADDR_IN6_BYTES = 28
/** Where the address is in either, in bytes and in words, and where the port is in the first word of both. */
const IPV4_ADDRESS = 4
const IPV6_ADDRESS = 8
const IPV4_WORD = IPV4_ADDRESS / 4
const IPV6_WORD = IPV6_ADDRESS / 4
const PORT_MASK = 0xffff0000
