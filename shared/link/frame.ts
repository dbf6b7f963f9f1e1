/**
 * The link: how a relay and a transceiver carry client packets to each other over UDP. docs/link.md.
 *
 *     header   | magic 0x0F 8 | version 4 | type 4 | reserved 16 | cookie 64 |
 *     probe    the header, type ping or pong, and a token of 64 bits that the pong repeats
 *     data     the header, type data, and one or more frames:
 *     frame    | length 16 | flags 8 | listener 8 | client port 16 | address 32 or 128 | payload of `length` bytes |
 *
 * The magic lies outside every range of RFC 7983. Each frame names its client, so neither end needs state to
 * route it, and neither end's restart loses any. Whether a cookie is the right one, the caller decides.
 */

import { matchesAt, readI32, readU16, readU8, writeU16, writeU32 } from '#shared/bytes'
import { ENDPOINT_WORDS, IPV4_MAPPED_WORD, isIpv4Words, TCP_BIT } from '#shared/endpoint'

/** Why a datagram, or the rest of it, is no part of the link. */
export type LinkFault =
  | 'link-truncated'
  | 'link-magic'
  | 'link-version'
  | 'link-type'
  | 'link-probe'
  | 'link-frame'
  | 'link-address'

/** What a datagram carries. */
export const LINK_TYPE_DATA = 0
export const LINK_TYPE_PING = 1
export const LINK_TYPE_PONG = 2

/** Frame flag of the transceiver: this client has proved itself, keep its flow. */
export const FRAME_FLAG_BIND = 0x04

/** Frame flag of the transceiver: forget this client's flow. */
export const FRAME_FLAG_UNBIND = 0x08

/** Bytes of a datagram's header, of the cookie in it, of a probe's token, and of a whole ping or pong. */
export const LINK_HEADER_BYTES = 12
export const LINK_COOKIE_BYTES = 8
export const LINK_TOKEN_BYTES = 8
export const LINK_PROBE_BYTES = LINK_HEADER_BYTES + LINK_TOKEN_BYTES

/** The longest frame header, that of an IPv6 client. */
export const MAX_FRAME_HEADER_BYTES = 22

/** A datagram with more than one frame stays within this: the Internet's usual MTU, less tunnels on the way. */
export const MAX_BUNDLE_BYTES = 1400

/** The longest client payload that every link carries: an Ethernet frame over IPv6 and UDP. */
export const MAX_CLIENT_PAYLOAD_BYTES = 1452

/** Writes the header of a datagram; `cookie` has 8 bytes. Returns the bytes written. */
export function writeLinkHeader(memory: Uint8Array, at: number, type: number, cookie: Uint8Array): number {
  memory[at] = LINK_MAGIC
  memory[at + 1] = (LINK_VERSION << 4) | type
  writeU16(memory, at + 2, 0)
  for (let i = 0; i < LINK_COOKIE_BYTES; i++) memory[at + COOKIE_OFFSET + i] = readU8(cookie, i)
  return LINK_HEADER_BYTES
}

/** Writes a whole ping or pong; `cookie` and `token` have 8 bytes each. Returns the bytes written. */
export function writeLinkProbe(
  memory: Uint8Array,
  at: number,
  type: typeof LINK_TYPE_PING | typeof LINK_TYPE_PONG,
  cookie: Uint8Array,
  token: Uint8Array,
): number {
  memory.set(token, at + writeLinkHeader(memory, at, type, cookie))
  return LINK_PROBE_BYTES
}

/** Returns the bytes of the frame header for the client whose words stand at `at`. */
export function frameHeaderBytes(words: Int32Array, at: number): number {
  return isIpv4Words(words, at) ? IPV4_FRAME_HEADER_BYTES : MAX_FRAME_HEADER_BYTES
}

/** Writes the header of a frame for the client whose words stand at `wordsAt`; returns the bytes written. */
export function writeFrameHeader(
  memory: Uint8Array,
  at: number,
  words: Int32Array,
  wordsAt: number,
  flags: number,
  payloadLength: number,
): number {
  const isIpv4 = isIpv4Words(words, wordsAt)
  const last = words[wordsAt + 4] ?? 0
  const tcp = (last & TCP_BIT) === 0 ? 0 : FRAME_FLAG_TCP
  writeU16(memory, at, payloadLength)
  memory[at + 2] = flags | tcp | (isIpv4 ? 0 : FRAME_FLAG_IPV6)
  memory[at + 3] = last >>> 16
  writeU16(memory, at + 4, last)
  const headerBytes = isIpv4 ? IPV4_FRAME_HEADER_BYTES : MAX_FRAME_HEADER_BYTES
  if (!isIpv4) {
    for (let i = 0; i < 3; i++) writeU32(memory, at + ADDRESS_OFFSET + i * 4, words[wordsAt + i] ?? 0)
  }
  writeU32(memory, at + headerBytes - 4, words[wordsAt + 3] ?? 0)
  return headerBytes
}

/** Reads datagrams of the link where they lie, one after the other: `open`, then `next` for each frame. */
export class LinkReader {
  type = LINK_TYPE_DATA
  cookieStart = 0
  /** Set when `next` has met a frame that cannot be; the frames before it were good. */
  fault: LinkFault | undefined = undefined
  flags = 0
  readonly client = new Int32Array(ENDPOINT_WORDS)
  payloadStart = 0
  payloadLength = 0
  #memory: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0

  /** Reads the header of the datagram of `length` bytes at `start`. */
  open(memory: Uint8Array, start: number, length: number): LinkFault | undefined {
    this.fault = this.#readHeader(memory, start, length)
    this.#memory = memory
    this.#at = start + LINK_HEADER_BYTES
    this.#end = this.fault === undefined && this.type === LINK_TYPE_DATA ? start + length : 0
    return this.fault
  }

  /** Tells whether the datagram carries `cookie`, in a time that does not depend on the bytes. */
  hasCookie(cookie: Uint8Array): boolean {
    return matchesAt(this.#memory, this.cookieStart, cookie)
  }

  /** Offset of the token of a ping or pong. */
  get tokenStart(): number {
    return this.cookieStart + LINK_COOKIE_BYTES
  }

  /** Reads the next frame; false at the end of the datagram, or on a fault. */
  next(): boolean {
    if (this.#at >= this.#end) return false
    this.fault = this.#readFrame(this.#memory, this.#at)
    this.#at = this.fault === undefined ? this.payloadStart + this.payloadLength : this.#end
    return this.fault === undefined
  }

  #readHeader(memory: Uint8Array, start: number, length: number): LinkFault | undefined {
    if (length < LINK_HEADER_BYTES) return 'link-truncated'
    if (readU8(memory, start) !== LINK_MAGIC) return 'link-magic'
    const versionAndType = readU8(memory, start + 1)
    if (versionAndType >>> 4 !== LINK_VERSION) return 'link-version'
    this.type = versionAndType & 0x0f
    this.cookieStart = start + COOKIE_OFFSET
    if (this.type > LINK_TYPE_PONG) return 'link-type'
    return this.type !== LINK_TYPE_DATA && length !== LINK_PROBE_BYTES ? 'link-probe' : undefined
  }

  #readFrame(memory: Uint8Array, at: number): LinkFault | undefined {
    const left = this.#end - at
    if (left < IPV4_FRAME_HEADER_BYTES) return 'link-frame'
    this.flags = readU8(memory, at + 2)
    const isIpv6 = (this.flags & FRAME_FLAG_IPV6) !== 0
    const headerBytes = isIpv6 ? MAX_FRAME_HEADER_BYTES : IPV4_FRAME_HEADER_BYTES
    this.payloadStart = at + headerBytes
    this.payloadLength = readU16(memory, at)
    if (headerBytes + this.payloadLength > left) return 'link-frame'
    this.#readClient(memory, at, isIpv6)
    // One client, one form: an IPv4-mapped address in 16 bytes would be a second one.
    return isIpv6 && isIpv4Words(this.client, 0) ? 'link-address' : undefined
  }

  #readClient(memory: Uint8Array, at: number, isIpv6: boolean): void {
    const { client } = this
    const address = at + ADDRESS_OFFSET
    client[0] = isIpv6 ? readI32(memory, address) : 0
    client[1] = isIpv6 ? readI32(memory, address + 4) : 0
    client[2] = isIpv6 ? readI32(memory, address + 8) : IPV4_MAPPED_WORD
    client[3] = readI32(memory, isIpv6 ? address + 12 : address)
    const tcp = (this.flags & FRAME_FLAG_TCP) === 0 ? 0 : TCP_BIT
    client[4] = readU16(memory, at + 4) | (readU8(memory, at + 3) << 16) | tcp
  }
}

/** First byte: in RFC 7983 section 7 the range 4 to 15 belongs to nobody. */
const LINK_MAGIC = 0x0f
const LINK_VERSION = 0

/** The client address is IPv6, 16 bytes; derived from the words. */
const FRAME_FLAG_IPV6 = 0x01

/** The client is connected over TCP; derived from the words. */
const FRAME_FLAG_TCP = 0x02

const COOKIE_OFFSET = 4
const ADDRESS_OFFSET = 6
const IPV4_FRAME_HEADER_BYTES = 10
