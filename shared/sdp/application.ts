/**
 * The data channels of an offer: SCTP over DTLS (RFC 8841).
 */

import { fromBase64 } from '#shared/bytes'
import { attributeValue } from './description.ts'
import type { MediaSection } from './description.ts'
import type { OfferFault } from './offer-fault.ts'

export interface ApplicationOffer {
  readonly mid: string | undefined
  readonly sctpPort: number
  /** The largest message that the client takes, in bytes; `Infinity` if it sets no limit. */
  readonly maxMessageSize: number
  /** The client's INIT chunk, if it offers to do without SCTP's handshake (draft-hancke-tsvwg-snap-00); unread. */
  readonly sctpInit: Uint8Array | undefined
}

/** Tells whether `section` is for data channels, in the form that RFC 8841 section 4 defines. */
export function isDataChannelSection(section: MediaSection): boolean {
  return /^(?:UDP|TCP)\/DTLS\/SCTP$/.test(section.protocol) && section.formats[0] === 'webrtc-datachannel'
}

/** Reads the association that `section` offers. */
export function readApplication(section: MediaSection): ApplicationOffer | OfferFault {
  const sctpPort = readNumber(section, 'sctp-port', DEFAULT_SCTP_PORT)
  const maxMessageSize = readNumber(section, 'max-message-size', DEFAULT_MAX_MESSAGE_SIZE)
  if (!(sctpPort >= 1 && sctpPort <= 0xffff) || Number.isNaN(maxMessageSize)) return 'sdp-malformed'
  return {
    mid: attributeValue(section, 'mid'),
    sctpPort,
    maxMessageSize: maxMessageSize === 0 ? Infinity : maxMessageSize,
    sctpInit: fromBase64(attributeValue(section, 'sctp-init') ?? '.'),
  }
}

function readNumber(section: MediaSection, name: string, absent: number): number {
  const value = attributeValue(section, name)
  if (value === undefined) return absent
  return /^\d+$/.test(value) ? Number(value) : NaN
}

/** RFC 8841 section 5 asks for the attribute; browsers take an offer that lacks it to mean this port. */
const DEFAULT_SCTP_PORT = 5_000

/** RFC 8841 section 6.1. */
const DEFAULT_MAX_MESSAGE_SIZE = 65_536
