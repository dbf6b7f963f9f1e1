/**
 * Writes the answer to an offer (RFC 9429 section 5.3.1; docs/sdp.md has the reasons).
 *
 * The m-lines keep the offer's order. Audio and data channels are accepted on one BUNDLE transport; all else is
 * rejected with port 0, but for a line that is the tag of the bundle. One codec is answered, so that every packet
 * has one meaning, and RED before it if the offer has that: then the client sends each packet's sound twice. Candidates stand in the tagged line only (RFC 9143 section 7.1.3), the credentials, the
 * fingerprint and the role in every accepted line: the tag could speak for them too, but not every stack looks
 * there, and all take the repetition.
 */

import { toBase64 } from '#shared/bytes'
import type { AudioCodec, AudioOffer } from './audio.ts'
import { writeCandidate } from './candidates.ts'
import type { Candidate } from './candidates.ts'
import type { Offer, OfferedSection } from './offer.ts'
import type { Fingerprint } from './transport.ts'

/** The largest data channel message that is taken, as announced (RFC 8841 section 6); Chromium announces the same. */
export const MAX_MESSAGE_SIZE = 262_144

/** The side of DTLS that the answer takes. */
export type AnsweredSetup = 'active' | 'passive'

/** What the answer says of the server's side. */
export interface AnswerParameters {
  /** Digits, unique to the call (RFC 8866 section 5.2). */
  readonly sessionId: string
  readonly ufrag: string
  readonly pwd: string
  readonly fingerprint: Fingerprint
  readonly setup: AnsweredSetup
  /** Where the client reaches the server; the first one stands in the m- and c-lines. */
  readonly candidates: readonly Candidate[]
  readonly ssrc: number
  readonly cname: string
  /** Our INIT chunk, in answer to the client's (draft-hancke-tsvwg-snap-00). */
  readonly sctpInit?: Uint8Array | undefined
  readonly streamId: string
  readonly trackId: string
}

/** Returns the side to take: active if the offer leaves the choice, which saves a round trip. */
export function answeredSetup(offer: Pick<Offer, 'setup'>): AnsweredSetup {
  return offer.setup === 'active' ? 'passive' : 'active'
}

/** Writes the answer; throws a `RangeError` if there is no candidate, or if both sides would take one DTLS role. */
export function writeAnswer(offer: Offer, parameters: AnswerParameters): string {
  const [first] = parameters.candidates
  if (first === undefined) throw new RangeError('an answer needs a candidate')
  if (offer.setup === parameters.setup) throw new RangeError(`both sides would be ${offer.setup}`)
  const lines = [
    ...sessionLines(offer, parameters),
    ...offer.sections.flatMap((section) =>
      section.use === 'none' ? rejectedLines(section) : acceptedLines(section, offer, parameters, first),
    ),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

function sessionLines({ bundle }: Offer, { sessionId }: AnswerParameters): string[] {
  return [
    'v=0',
    `o=- ${sessionId} 1 IN IP4 0.0.0.0`,
    's=-',
    't=0 0',
    ...linesIf(bundle.length > 0, `a=group:BUNDLE ${bundle.join(' ')}`),
    // RFC 8445 section 10: the agent follows this version of ICE. No "trickle": these candidates are all.
    'a=ice-options:ice2',
    'a=msid-semantic: WMS *',
  ]
}

function rejectedLines(section: OfferedSection): string[] {
  const { media, protocol, format } = section
  return [`m=${media} 0 ${protocol} ${format}`, connectionLine('0.0.0.0'), ...midLines(section), 'a=inactive']
}

function acceptedLines(
  section: OfferedSection,
  offer: Offer,
  parameters: AnswerParameters,
  { address, port }: Candidate,
): string[] {
  const { use, mid, media, protocol, format } = section
  const isTagged = mid === (offer.bundle[0] ?? offer.audio.mid)
  const answeredFormats = use === 'audio' ? formatsOf(offer.audio.codec).join(' ') : format
  return [
    `m=${media} ${port} ${protocol} ${answeredFormats}`,
    connectionLine(address),
    ...midLines(section),
    ...transportLines(parameters, isTagged),
    ...mediaLines(section, offer, parameters),
  ]
}

function mediaLines(section: OfferedSection, { audio }: Offer, parameters: AnswerParameters): string[] {
  if (section.use === 'audio') return audioLines(audio, parameters)
  if (section.use === 'application') return applicationLines(parameters)
  return ['a=inactive', 'a=rtcp-mux', ...linesIf(section.rtpmap !== undefined, `a=rtpmap:${section.rtpmap}`)]
}

function transportLines(parameters: AnswerParameters, isTagged: boolean): string[] {
  const { ufrag, pwd, fingerprint, setup, candidates } = parameters
  return [
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`,
    `a=setup:${setup}`,
    ...(isTagged
      ? [...candidates.map((candidate) => `a=candidate:${writeCandidate(candidate)}`), 'a=end-of-candidates']
      : []),
  ]
}

function audioLines(audio: AudioOffer, parameters: AnswerParameters): string[] {
  const { streamId, trackId, ssrc, cname } = parameters
  return [
    `a=${DIRECTION_BY_OFFERED[audio.direction]}`,
    'a=rtcp-mux',
    ...linesIf(audio.allowsReducedSizeRtcp, 'a=rtcp-rsize'),
    ...linesIf(audio.allowsMixedExtensions, 'a=extmap-allow-mixed'),
    ...[...audio.extensions].map(([uri, id]) => `a=extmap:${id} ${uri}`),
    ...codecLines(audio.codec),
    ...linesIf(
      audio.direction !== 'sendonly',
      `a=msid:${streamId} ${trackId}`,
      `a=ssrc:${ssrc} cname:${cname}`,
    ),
  ]
}

/** In the order of preference: the client sends the first. */
function formatsOf({ payloadType, redPayloadType }: AudioCodec): number[] {
  return redPayloadType === undefined ? [payloadType] : [redPayloadType, payloadType]
}

/** Opus parameters say what their sender wishes to receive (RFC 7587 section 6.1), so none is copied. */
function codecLines({ name, payloadType, redPayloadType }: AudioCodec): string[] {
  return [
    ...linesIf(
      redPayloadType !== undefined,
      `a=rtpmap:${redPayloadType} red/${ENCODING_BY_CODEC[name].split('/').slice(1).join('/')}`,
      `a=fmtp:${redPayloadType} ${payloadType}/${payloadType}`,
    ),
    `a=rtpmap:${payloadType} ${ENCODING_BY_CODEC[name]}`,
    ...linesIf(name === 'opus', `a=fmtp:${payloadType} minptime=10;useinbandfec=1`),
  ]
}

function applicationLines({ sctpInit }: AnswerParameters): string[] {
  return [
    `a=sctp-port:${SCTP_PORT}`,
    `a=max-message-size:${MAX_MESSAGE_SIZE}`,
    ...(sctpInit === undefined ? [] : [`a=sctp-init:${toBase64(sctpInit)}`]),
  ]
}

function connectionLine(address: string): string {
  return `c=IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`
}

function midLines({ mid }: OfferedSection): string[] {
  return mid === undefined ? [] : [`a=mid:${mid}`]
}

function linesIf(condition: boolean, ...lines: readonly string[]): readonly string[] {
  return condition ? lines : []
}

/** RFC 3264 section 6.1: what one side only sends the other only receives. */
const DIRECTION_BY_OFFERED = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly' } as const

const ENCODING_BY_CODEC = { opus: 'opus/48000/2', pcmu: 'PCMU/8000', pcma: 'PCMA/8000' } as const

/** The SCTP port of the server's side; over DTLS it names nothing, and every browser uses this one. */
const SCTP_PORT = 5_000
