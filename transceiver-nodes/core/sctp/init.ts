/**
 * The INIT chunk by itself, as `a=sctp-init` carries it (draft-hancke-tsvwg-snap-00): RFC 9260 section 3.3.2.
 *
 * ```
 *  0               1               2               3
 * +---------------+---------------+---------------+---------------+
 * |   type 0x01   |   flags 0x00  |         chunk length          |
 * |                         initiate tag                          |
 * |              advertised receiver window credit                |
 * |       outbound streams        |        inbound streams        |
 * |                          initial TSN                          |
 * |  parameters                                                   |
 * +---------------+---------------+---------------+---------------+
 * ```
 */

import { concatBytes, readU16, readU32, readU8, writeU16, writeU32 } from '#shared/bytes'
import { INIT_BYTES, checkInitShape } from './packet.ts'

/** What an INIT says, without its parameters. */
export interface SctpInit {
  readonly tag: number
  readonly windowBytes: number
  readonly outboundStreams: number
  readonly inboundStreams: number
  readonly initialTsn: number
}

/** Parses a chunk of exactly these bytes; undefined: it is no INIT that an association could begin with. */
export function parseInit(chunk: Uint8Array): SctpInit | undefined {
  const isInit = readU8(chunk, 0) === INIT && readU16(chunk, 2) === chunk.length
  if (!isInit || chunk.length > MAX_INIT_BYTES || checkInitShape(chunk) !== undefined) return undefined
  return {
    tag: readU32(chunk, 4),
    windowBytes: readU32(chunk, 8),
    outboundStreams: readU16(chunk, 12),
    inboundStreams: readU16(chunk, 14),
    initialTsn: readU32(chunk, 16),
  }
}

/** Encodes an INIT that announces partial reliability and stream resets, as the association's own does. */
export function encodeInit(init: SctpInit): Uint8Array {
  const fixed = new Uint8Array(INIT_BYTES)
  fixed[0] = INIT
  writeU16(fixed, 2, INIT_BYTES + PARAMETERS.length)
  writeU32(fixed, 4, init.tag)
  writeU32(fixed, 8, init.windowBytes)
  writeU16(fixed, 12, init.outboundStreams)
  writeU16(fixed, 14, init.inboundStreams)
  writeU32(fixed, 16, init.initialTsn)
  return concatBytes(fixed, PARAMETERS)
}

const INIT = 1

/** The longest INIT that is read: what browsers write has 30 bytes. */
const MAX_INIT_BYTES = 1024

/** Forward-TSN-Supported (RFC 3758 section 3.1), Supported Extensions (RFC 5061 section 4.2.7): RE-CONFIG, FORWARD TSN. */
const PARAMETERS = Uint8Array.of(0xc0, 0x00, 0, 4, 0x80, 0x08, 0, 6, 130, 192)
