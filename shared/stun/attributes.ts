/**
 * The STUN attributes of an ICE agent, built and read.
 *
 * RFC 8489 section 14 and RFC 8445 section 16.1, plus NOMINATION of draft-thatcher-ice-renomination. Readers
 * take a value, as `findAttribute` gives it, and return `undefined` when it has not the attribute's form.
 */

import { concatBytes, fromUtf8, readU16, readU32, readU8, utf8, writeU16, writeU32 } from '#shared/bytes'
import { ENDPOINT_WORDS, formatAddress, isIpv4Words, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import type { StunAttribute } from './message.ts'
import {
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_ICE_CONTROLLED,
  ATTRIBUTE_ICE_CONTROLLING,
  ATTRIBUTE_NOMINATION,
  ATTRIBUTE_PRIORITY,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_UNKNOWN_ATTRIBUTES,
  ATTRIBUTE_USE_CANDIDATE,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  MAGIC_COOKIE,
} from './registry.ts'

/** USERNAME of a check: the ufrag of the agent it goes to, a colon, the sender's own (RFC 8445 section 7.2.2). */
export function username(text: string): StunAttribute {
  return { type: ATTRIBUTE_USERNAME, value: utf8(text) }
}

/** PRIORITY that a peer-reflexive candidate found by this check would have. */
export function priority(value: number): StunAttribute {
  return { type: ATTRIBUTE_PRIORITY, value: u32(value) }
}

/** USE-CANDIDATE, by which the controlling agent nominates. */
export function useCandidate(): StunAttribute {
  return { type: ATTRIBUTE_USE_CANDIDATE, value: new Uint8Array(0) }
}

/** ICE-CONTROLLING with an 8-byte tie-breaker. */
export function iceControlling(tieBreaker: Uint8Array): StunAttribute {
  return { type: ATTRIBUTE_ICE_CONTROLLING, value: tieBreaker }
}

/** ICE-CONTROLLED with an 8-byte tie-breaker. */
export function iceControlled(tieBreaker: Uint8Array): StunAttribute {
  return { type: ATTRIBUTE_ICE_CONTROLLED, value: tieBreaker }
}

/** NOMINATION: among nominated pairs the one with the highest value wins. */
export function nomination(value: number): StunAttribute {
  return { type: ATTRIBUTE_NOMINATION, value: u32(value) }
}

/** Reads the number that PRIORITY or NOMINATION carries. */
export function readNumber(value: Uint8Array): number | undefined {
  return value.length === 4 ? readU32(value, 0) : undefined
}

/** XOR-MAPPED-ADDRESS of `endpoint`; throws a `RangeError` if its address is not one. */
export function xorMappedAddress(endpoint: Endpoint, transactionId: Uint8Array): StunAttribute {
  const words = new Int32Array(ENDPOINT_WORDS)
  if (!writeClient(words, 0, { ...endpoint, listener: 0, transport: 'udp' })) {
    throw new RangeError('a mapped address needs an IP address')
  }
  return xorMappedClient(words, 0, transactionId)
}

/** XOR-MAPPED-ADDRESS of the client at `words[at]`. */
export function xorMappedClient(words: Int32Array, at: number, transactionId: Uint8Array): StunAttribute {
  const isIpv4 = isIpv4Words(words, at)
  const value = new Uint8Array(isIpv4 ? 8 : 20)
  value[1] = isIpv4 ? FAMILY_IPV4 : FAMILY_IPV6
  writeU16(value, 2, words[at + 4] ?? 0)
  if (isIpv4) writeU32(value, 4, words[at + 3] ?? 0)
  else for (let i = 0; i < 4; i++) writeU32(value, 4 + 4 * i, words[at + i] ?? 0)
  applyMask(value, transactionId)
  return { type: ATTRIBUTE_XOR_MAPPED_ADDRESS, value }
}

/** Reads XOR-MAPPED-ADDRESS of a message with `transactionId`. */
export function readXorMappedAddress(value: Uint8Array, transactionId: Uint8Array): Endpoint | undefined {
  const isIpv4 = value.length === 8 && value[1] === FAMILY_IPV4
  const isIpv6 = value.length === 20 && value[1] === FAMILY_IPV6
  if (!isIpv4 && !isIpv6) return undefined
  const plain = value.slice()
  applyMask(plain, transactionId)
  const address = isIpv4 ? concatBytes(IPV4_MAPPED_PREFIX, plain.subarray(4)) : plain.subarray(4)
  return { address: formatAddress(address), port: readU16(plain, 2) }
}

/** ERROR-CODE with a code of 300 to 699 and a reason for people. */
export function errorCode(code: number, reason: string): StunAttribute {
  const head = Uint8Array.of(0, 0, Math.floor(code / 100), code % 100)
  return { type: ATTRIBUTE_ERROR_CODE, value: concatBytes(head, utf8(reason)) }
}

/** Reads ERROR-CODE. */
export function readErrorCode(value: Uint8Array): { code: number; reason: string } | undefined {
  const hundreds = readU8(value, 2) & 7
  const rest = readU8(value, 3)
  const reason = fromUtf8(value.subarray(4))
  const isCode = value.length >= 4 && hundreds >= 3 && hundreds <= 6 && rest < 100
  return isCode && reason !== undefined ? { code: hundreds * 100 + rest, reason } : undefined
}

/** SOFTWARE: the sender's name and version, for people. */
export function software(text: string): StunAttribute {
  return { type: ATTRIBUTE_SOFTWARE, value: utf8(text) }
}

/** UNKNOWN-ATTRIBUTES: the types for which a request was refused with error 420. */
export function unknownAttributes(types: readonly number[]): StunAttribute {
  const value = new Uint8Array(types.length * 2)
  types.forEach((type, i) => writeU16(value, i * 2, type))
  return { type: ATTRIBUTE_UNKNOWN_ATTRIBUTES, value }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  writeU32(bytes, 0, value)
  return bytes
}

/** Applies the mask of RFC 8489 section 14.2: the cookie's top half to the port, cookie and transaction id to the address. */
function applyMask(value: Uint8Array, transactionId: Uint8Array): void {
  writeU16(value, 2, readU16(value, 2) ^ (MAGIC_COOKIE >>> 16))
  writeU32(value, 4, readU32(value, 4) ^ MAGIC_COOKIE)
  for (let i = 8; i < value.length; i++) value[i] = readU8(value, i) ^ readU8(transactionId, i - 8)
}

/** Address families, RFC 8489 section 14.1. */
const FAMILY_IPV4 = 1
const FAMILY_IPV6 = 2

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
const IPV4_MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)
