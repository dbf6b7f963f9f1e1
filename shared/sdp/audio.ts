/**
 * The audio of an offer: codecs, direction, and the RTP features that the answer may take up.
 *
 * Opus (RFC 7587) and G.711 (RFC 3551) are the codecs of WebRTC (RFC 7874 section 3). Everything else in the
 * section (comfort noise, telephone events, feedback) is left unread, so that no answer takes it up.
 */

import { attributeValue, attributeValues } from './description.ts'
import type { MediaSection, SessionDescription } from './description.ts'
import type { OfferFault } from './offer-fault.ts'

/** Which way the client offers to send, in its own eyes. */
export type OfferedDirection = 'sendrecv' | 'sendonly' | 'recvonly'

/** A codec that both sides know, and the payload type that the client gives it. */
export interface AudioCodec {
  readonly name: 'opus' | 'pcmu' | 'pcma'
  readonly payloadType: number
  /** The payload type that the client gives to RED (RFC 2198) with copies of this codec, if it offers that. */
  readonly redPayloadType?: number
}

export interface AudioOffer {
  readonly mid: string | undefined
  readonly direction: OfferedDirection
  /** The codec to take up: Opus before G.711. */
  readonly codec: AudioCodec
  /** What the client wishes of the Opus that it receives, by lower-case name (RFC 7587 section 6.1). */
  readonly opusFmtp: ReadonlyMap<string, string>
  /** The header extensions to take up (RFC 8285): their ids by URI. */
  readonly extensions: ReadonlyMap<string, number>
  readonly allowsMixedExtensions: boolean
  readonly allowsReducedSizeRtcp: boolean
}

/** Reads the audio that `section` offers, or says why it cannot be taken up. */
export function readAudio(description: SessionDescription, section: MediaSection): AudioOffer | OfferFault {
  const codec = selectCodec(section)
  if (codec === undefined) return 'offer-no-codec'
  if (attributeValue(section, 'rtcp-mux') === undefined) return 'offer-no-rtcp-mux'
  const direction = readDirection(section) ?? readDirection(description) ?? 'sendrecv'
  if (direction === 'inactive') return 'offer-direction'
  return {
    mid: attributeValue(section, 'mid'),
    direction,
    codec,
    opusFmtp: codec.name === 'opus' ? readFmtp(section, codec.payloadType) : new Map(),
    extensions: readExtensions(section),
    allowsMixedExtensions: [description, section].some(
      (part) => attributeValue(part, 'extmap-allow-mixed') !== undefined,
    ),
    allowsReducedSizeRtcp: attributeValue(section, 'rtcp-rsize') !== undefined,
  }
}

function selectCodec(section: MediaSection): AudioCodec | undefined {
  const payloadTypeByEncoding = readPayloadTypes(section)
  for (const [encoding, name] of CODEC_BY_ENCODING) {
    const payloadType = payloadTypeByEncoding.get(encoding)
    if (payloadType === undefined) continue
    const redPayloadType = payloadTypeByEncoding.get(encoding.replace(/^[a-z]+/, 'red'))
    const isOfCodec = redPayloadType !== undefined && isRedOf(section, redPayloadType, payloadType)
    return isOfCodec ? { name, payloadType, redPayloadType } : { name, payloadType }
  }
  return undefined
}

/** The fmtp of RED lists the payload types of its blocks, RFC 2198 section 5. */
function isRedOf(section: MediaSection, redPayloadType: number, payloadType: number): boolean {
  const line = attributeValues(section, 'fmtp').find((value) => value.startsWith(`${redPayloadType} `))
  const blocks = line?.split(' ')[1]?.trim().split('/') ?? []
  return blocks.length > 1 && blocks.every((block) => block === String(payloadType))
}

/** Maps each encoding, in lower case and without a channel count of one, to the first payload type that has it. */
function readPayloadTypes(section: MediaSection): Map<string, number> {
  const encodingByFormat = new Map(STATIC_ENCODINGS)
  for (const value of attributeValues(section, 'rtpmap')) {
    const [, format, encoding] = RTPMAP.exec(value) ?? []
    if (format !== undefined && encoding !== undefined) encodingByFormat.set(format, encoding.toLowerCase())
  }
  const payloadTypeByEncoding = new Map<string, number>()
  for (const format of section.formats) {
    const encoding = encodingByFormat.get(format)?.replace(/\/1$/, '')
    if (encoding === undefined || !isPayloadType(format) || payloadTypeByEncoding.has(encoding)) continue
    payloadTypeByEncoding.set(encoding, Number(format))
  }
  return payloadTypeByEncoding
}

function isPayloadType(format: string): boolean {
  const type = Number(format)
  return (
    /^\d{1,3}$/.test(format) && type <= 127 && !(type >= RTCP_CONFLICT_FIRST && type <= RTCP_CONFLICT_LAST)
  )
}

function readFmtp(section: MediaSection, payloadType: number): Map<string, string> {
  const prefix = `${payloadType} `
  const line = attributeValues(section, 'fmtp').find((value) => value.startsWith(prefix)) ?? prefix
  const valueByName = new Map<string, string>()
  for (const parameter of line.slice(prefix.length).split(';')) {
    const [name = '', value = ''] = parameter.trim().split('=', 2)
    if (name !== '') valueByName.set(name.toLowerCase(), value)
  }
  return valueByName
}

function readDirection(part: Pick<SessionDescription, 'lines'>): OfferedDirection | 'inactive' | undefined {
  return DIRECTIONS.find((direction) => attributeValue(part, direction) !== undefined)
}

/** Extensions in one direction only are passed over: no client offers the ones that are taken up so. */
function readExtensions(section: MediaSection): Map<string, number> {
  const extensions = new Map<string, number>()
  for (const value of attributeValues(section, 'extmap')) {
    const [, id, uri = ''] = EXTMAP.exec(value) ?? []
    const fits = Number(id) >= 1 && Number(id) <= EXTENSION_ID_LAST
    if (fits && HANDLED_EXTENSIONS.has(uri) && !extensions.has(uri)) extensions.set(uri, Number(id))
  }
  return extensions
}

/** The codecs by their encodings in lower case, the preferred first. */
const CODEC_BY_ENCODING = new Map<string, AudioCodec['name']>([
  ['opus/48000/2', 'opus'],
  ['pcmu/8000', 'pcmu'],
  ['pcma/8000', 'pcma'],
])

const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const

/** The mid (RFC 9143 section 15) and the audio level (RFC 6464); any other would ask for work that is not done. */
const HANDLED_EXTENSIONS: ReadonlySet<string> = new Set([
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
])

/** RFC 8866 section 6.6. */
const RTPMAP = /^(\d{1,3}) +([\w.-]+\/\d+(?:\/\d+)?)$/

/** RFC 8285 section 8, without a direction or with "/sendrecv". */
const EXTMAP = /^(\d{1,3})(?:\/sendrecv)? +(\S+)/

/** The largest id of the one-byte form, RFC 8285 section 4.2, which is the form that is read and written. */
const EXTENSION_ID_LAST = 14

/** RFC 3551 section 6, table 4: these need no rtpmap. */
const STATIC_ENCODINGS: readonly (readonly [string, string])[] = [
  ['0', 'pcmu/8000'],
  ['8', 'pcma/8000'],
]

/** Payload types that look like RTCP when the marker is set, RFC 5761 section 4. */
const RTCP_CONFLICT_FIRST = 64
const RTCP_CONFLICT_LAST = 95
