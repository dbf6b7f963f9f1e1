/**
 * Decides what of a client's SCTP packet reaches the association: RFC 9260, with FORWARD-TSN (RFC 3758) and
 * RE-CONFIG (RFC 6525).
 *
 * ```
 *  0               1               2               3
 * +---------------+---------------+---------------+---------------+
 * |         source port           |       destination port        |
 * |                       verification tag                        |
 * |             checksum: CRC-32C, little-endian                  |
 * +---------------+---------------+---------------+---------------+
 * |  chunk type   |     flags     |  chunk length with this header| 1..n times,
 * |  value, padded to 4 bytes                                     | each padded
 * +---------------+---------------+---------------+---------------+
 * ```
 *
 * The association behind (werift's) trusts its peer: it throws on shapes it does not know, loops for ever on
 * lengths of zero, counts through any gap a SACK claims, and buffers whatever comes. The peer is authenticated
 * but not trusted, and shares this process with others. So a packet passes only if every chunk in it is well
 * formed and costs the association a bounded amount of work and memory. Chunks of unknown type are cut out as
 * RFC 9260 section 3.2 says; the report that some of them ask for is not made.
 */

import { concatBytes, readU16, readU32, readU8 } from '#shared/bytes'
import { crc32c } from './crc32c.ts'

/** What the checks need to know of the association that the packet is for. */
export interface AssociationState {
  /** The verification tag that the peer was told to use. */
  readonly localTag: number
  readonly isEstablished: boolean
  /** We have sent an INIT, which the peer may answer. */
  readonly hasInitiated: boolean
  /** Highest TSN below which nothing is missing; undefined before INIT. */
  readonly lastReceivedTsn: number | undefined
  /** The TSN that the next chunk sent will have. */
  readonly nextTsn: number
  /** Received chunks whose message is not complete or not next. */
  readonly heldChunks: number
  /** Bytes that may still be received before a message is delivered. */
  readonly windowBytes: number
}

/** Why an SCTP packet, or a chunk of it, was dropped. */
export type SctpFault =
  | 'sctp-short'
  | 'sctp-checksum'
  | 'sctp-tag'
  | 'sctp-chunk-length'
  | 'sctp-chunk-malformed'
  | 'sctp-chunk-misplaced'
  | 'sctp-chunk-unknown'
  | 'sctp-acknowledges-unsent'
  | 'sctp-tsn-window'
  | 'sctp-stream'
  | 'sctp-window-full'

/** What may reach the association, undefined if nothing does, and the fault found, if any. */
export interface Admission {
  readonly packet: Uint8Array | undefined
  readonly fault: SctpFault | undefined
}

/** Checks `packet`, which the peer has authenticated. */
export function admitSctpPacket(packet: Uint8Array, association: AssociationState): Admission {
  const fault = headerFault(packet, association)
  return fault === undefined ? admitChunks(packet, association) : { packet: undefined, fault }
}

function headerFault(packet: Uint8Array, association: AssociationState): SctpFault | undefined {
  if (packet.length < HEADER_BYTES + CHUNK_HEADER_BYTES) return 'sctp-short'
  const checksum = new DataView(packet.buffer, packet.byteOffset).getUint32(CHECKSUM_AT, true)
  if (checksum !== checksumOf(packet)) return 'sctp-checksum'
  // RFC 9260 section 8.5.1: INIT carries no tag, and travels alone.
  const expectedTag = readU8(packet, HEADER_BYTES) === INIT ? 0 : association.localTag
  return readU32(packet, TAG_AT) === expectedTag ? undefined : 'sctp-tag'
}

function admitChunks(packet: Uint8Array, association: AssociationState): Admission {
  const budget: Budget = { association, chunks: association.heldChunks, windowBytes: association.windowBytes }
  const known: Uint8Array[] = []
  let isCut = false
  let at = HEADER_BYTES
  while (at + CHUNK_HEADER_BYTES <= packet.length) {
    const length = readU16(packet, at + 2)
    if (length < CHUNK_HEADER_BYTES || at + length > packet.length) return refused('sctp-chunk-length')
    const end = Math.min(packet.length, at + padded(length))
    const type = readU8(packet, at)
    const check = CHECKS.get(type)
    if (check !== undefined) {
      const fault = check(packet.subarray(at, at + length), budget)
      if (fault !== undefined) return refused(fault)
      known.push(packet.subarray(at, end))
    } else {
      isCut = true
      if ((type & SKIP_BIT) === 0) break
    }
    if (type === INIT && end < packet.length) return refused('sctp-chunk-misplaced')
    at = end
  }
  if (!isCut) return { packet, fault: undefined }
  const rest =
    known.length > 0 ? withChecksum(concatBytes(packet.subarray(0, HEADER_BYTES), ...known)) : undefined
  return { packet: rest, fault: 'sctp-chunk-unknown' }
}

function refused(fault: SctpFault): Admission {
  return { packet: undefined, fault }
}

/** Writes the checksum of `packet` into it and returns it. */
export function withChecksum(packet: Uint8Array): Uint8Array {
  new DataView(packet.buffer, packet.byteOffset).setUint32(CHECKSUM_AT, checksumOf(packet), true)
  return packet
}

function checksumOf(packet: Uint8Array): number {
  const beforeField = crc32c(packet, 0, CHECKSUM_AT)
  return crc32c(packet, HEADER_BYTES, packet.length, crc32c(ZEROS, 0, ZEROS.length, beforeField))
}

/** What the packet's chunks may still cost. */
interface Budget {
  readonly association: AssociationState
  chunks: number
  windowBytes: number
}

type ChunkCheck = (chunk: Uint8Array, budget: Budget) => SctpFault | undefined

/** RFC 9260 section 3.3.1. */
function checkData(chunk: Uint8Array, budget: Budget): SctpFault | undefined {
  if (chunk.length <= DATA_HEADER_BYTES) return 'sctp-chunk-malformed'
  const fault = tsnFault(readU32(chunk, 4), budget) ?? streamFault(readU16(chunk, 8))
  if (fault !== undefined) return fault
  budget.chunks += 1
  budget.windowBytes -= chunk.length - DATA_HEADER_BYTES
  return budget.chunks > MAX_HELD_CHUNKS || budget.windowBytes < 0 ? 'sctp-window-full' : undefined
}

/** RFC 9260 section 3.3.2; a peer whose association stands has no reason to begin another on the same DTLS. */
function checkInit(chunk: Uint8Array, { association }: Budget): SctpFault | undefined {
  return association.isEstablished ? 'sctp-chunk-misplaced' : checkInitShape(chunk)
}

/** RFC 9260 section 3.3.3. */
function checkInitAck(chunk: Uint8Array, budget: Budget): SctpFault | undefined {
  return checkExpected(chunk, budget) ?? checkInitShape(chunk)
}

/** Checks the form of an INIT or INIT ACK. */
export function checkInitShape(chunk: Uint8Array): SctpFault | undefined {
  if (chunk.length < INIT_BYTES || readU32(chunk, 4) === 0) return 'sctp-chunk-malformed'
  if (readU16(chunk, 12) === 0 || readU16(chunk, 14) === 0) return 'sctp-chunk-malformed'
  return checkParameters(chunk, INIT_BYTES)
}

/** INIT ACK and COOKIE ACK answer an INIT of ours. */
function checkExpected(_: Uint8Array, { association }: Budget): SctpFault | undefined {
  return association.hasInitiated ? undefined : 'sctp-chunk-misplaced'
}

/** RFC 9260 section 3.3.4: gaps ascend, and nothing is acknowledged that was not sent. */
function checkSack(chunk: Uint8Array, { association }: Budget): SctpFault | undefined {
  if (chunk.length < SACK_BYTES) return 'sctp-chunk-malformed'
  const gaps = readU16(chunk, 12)
  if (chunk.length !== SACK_BYTES + 4 * (gaps + readU16(chunk, 14))) return 'sctp-chunk-malformed'
  const outstanding = distance(association.nextTsn - 1, readU32(chunk, 4))
  let reached = 0
  for (let at = SACK_BYTES; at < SACK_BYTES + 4 * gaps; at += 4) {
    if (readU16(chunk, at) <= reached || readU16(chunk, at + 2) < readU16(chunk, at))
      return 'sctp-chunk-malformed'
    reached = readU16(chunk, at + 2)
  }
  return reached > outstanding || outstanding < 0 ? 'sctp-acknowledges-unsent' : undefined
}

/** RFC 3758 section 3.2. */
function checkForwardTsn(chunk: Uint8Array, budget: Budget): SctpFault | undefined {
  if (chunk.length < FORWARD_TSN_BYTES || chunk.length % 4 !== 0) return 'sctp-chunk-malformed'
  for (let at = FORWARD_TSN_BYTES; at < chunk.length; at += 4) {
    const fault = streamFault(readU16(chunk, at))
    if (fault !== undefined) return fault
  }
  return tsnFault(readU32(chunk, 4), budget)
}

/** RFC 6525 section 3.1, and the parameters of section 4 that the association reads. */
function checkReconfig(chunk: Uint8Array): SctpFault | undefined {
  const fault = checkParameters(chunk, CHUNK_HEADER_BYTES)
  if (fault !== undefined) return fault
  let at = CHUNK_HEADER_BYTES
  while (at + PARAMETER_HEADER_BYTES <= chunk.length) {
    const length = readU16(chunk, at + 2)
    if (length < (RECONFIG_PARAMETER_BYTES.get(readU16(chunk, at)) ?? 0)) return 'sctp-chunk-malformed'
    if (readU16(chunk, at) === OUTGOING_RESET && length % 2 !== 0) return 'sctp-chunk-malformed'
    at += padded(length)
  }
  return undefined
}

function checkShutdown(chunk: Uint8Array): SctpFault | undefined {
  return chunk.length === SHUTDOWN_BYTES ? undefined : 'sctp-chunk-malformed'
}

/** Parameters and error causes share one shape: type, length with this header, value, padding (sections 3.2.1, 3.3.10). */
function checkParameters(chunk: Uint8Array, start: number = CHUNK_HEADER_BYTES): SctpFault | undefined {
  let at = start
  while (at + PARAMETER_HEADER_BYTES <= chunk.length) {
    const length = readU16(chunk, at + 2)
    if (length < PARAMETER_HEADER_BYTES || at + length > chunk.length) return 'sctp-chunk-malformed'
    at += padded(length)
  }
  return undefined
}

function checkTlvChunk(chunk: Uint8Array): SctpFault | undefined {
  return checkParameters(chunk)
}

function acceptAny(): undefined {
  return undefined
}

function tsnFault(tsn: number, { association }: Budget): SctpFault | undefined {
  if (association.lastReceivedTsn === undefined) return 'sctp-chunk-misplaced'
  return distance(tsn, association.lastReceivedTsn) > MAX_TSN_AHEAD ? 'sctp-tsn-window' : undefined
}

function streamFault(stream: number): SctpFault | undefined {
  return stream < MAX_STREAMS ? undefined : 'sctp-stream'
}

/** How far TSN `a` is ahead of `b`, RFC 1982 arithmetic (RFC 9260 section 1.6). */
function distance(a: number, b: number): number {
  return (a - b) | 0
}

function padded(length: number): number {
  return (length + 3) & ~3
}

/** Streams offered to the peer and taken from it: as many as usrsctp has; a data channel uses one each way. */
export const MAX_STREAMS = 1024

/** How far a received TSN may run ahead of the first missing one: the association sorts what is between, per chunk. */
const MAX_TSN_AHEAD = 256

/** Chunks held for messages that are not complete: the longest message in fragments of a small MTU. */
const MAX_HELD_CHUNKS = 1024

/** RFC 9260 section 3.1. */
const HEADER_BYTES = 12
const TAG_AT = 4
const CHECKSUM_AT = 8
const ZEROS = new Uint8Array(4)

/** RFC 9260 sections 3.2 and 3.2.1. */
const CHUNK_HEADER_BYTES = 4
const PARAMETER_HEADER_BYTES = 4

/** An unknown chunk type with this bit is skipped, one without it ends the packet: RFC 9260 section 3.2. */
const SKIP_BIT = 0x80

/** Fixed parts of chunks: RFC 9260 sections 3.3.1, 3.3.2, 3.3.4 and 3.3.8, RFC 3758 section 3.2. */
const DATA_HEADER_BYTES = 16
export const INIT_BYTES = 20
const SACK_BYTES = 16
const SHUTDOWN_BYTES = 8
const FORWARD_TSN_BYTES = 8

const INIT = 1

/** Outgoing SSN Reset Request, RFC 6525 section 4.1. */
const OUTGOING_RESET = 13

/** Least lengths of the outgoing reset, the response and the add-streams request: RFC 6525 sections 4.1, 4.4 and 4.5. */
const RECONFIG_PARAMETER_BYTES: ReadonlyMap<number, number> = new Map([
  [OUTGOING_RESET, 16],
  [16, 12],
  [17, 12],
])

/** Every chunk type that the association knows: RFC 9260 section 3.2, RFC 6525 section 3.1, RFC 3758 section 3.2. */
const CHECKS: ReadonlyMap<number, ChunkCheck> = new Map<number, ChunkCheck>([
  [0, checkData],
  [INIT, checkInit],
  [2, checkInitAck],
  [3, checkSack],
  [4, checkTlvChunk], // HEARTBEAT
  [5, checkTlvChunk], // HEARTBEAT ACK
  [6, checkTlvChunk], // ABORT
  [7, checkShutdown],
  [8, acceptAny], // SHUTDOWN ACK
  [9, checkTlvChunk], // ERROR
  [10, acceptAny], // COOKIE ECHO
  [11, checkExpected], // COOKIE ACK
  [14, acceptAny], // SHUTDOWN COMPLETE
  [130, checkReconfig],
  [192, checkForwardTsn],
])
