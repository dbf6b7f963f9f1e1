/**
 * Why an offer is refused, and the sentence that tells its sender (docs/sdp.md).
 */

/** The largest offer that is read; Chromium's, with audio and a data channel, has 1.5 KB. */
export const MAX_OFFER_BYTES = 65_536

/** The most m-lines of an offer that is read, since the answer must hold a line for each. */
export const MAX_MEDIA_SECTIONS = 64

export type OfferFault =
  | 'sdp-malformed'
  | 'offer-too-large'
  | 'offer-too-many-media'
  | 'offer-no-audio'
  | 'offer-no-codec'
  | 'offer-no-rtcp-mux'
  | 'offer-direction'
  | 'offer-not-bundled'
  | 'offer-no-ice'
  | 'offer-ice-lite'
  | 'offer-no-fingerprint'
  | 'offer-setup'

/** Returns the sentence that tells the sender of an offer what is wrong with it. */
export function describeOfferFault(fault: OfferFault): string {
  return SENTENCE_BY_FAULT[fault]
}

const SENTENCE_BY_FAULT: Readonly<Record<OfferFault, string>> = {
  'sdp-malformed': 'The offer is not valid SDP (RFC 8866).',
  'offer-too-large': `The offer is larger than ${MAX_OFFER_BYTES} bytes.`,
  'offer-too-many-media': `The offer has more than ${MAX_MEDIA_SECTIONS} media sections.`,
  'offer-no-audio': 'The offer has no audio section; add an audio track or transceiver before creating it.',
  'offer-no-codec': 'The offer has no audio codec in common with the server: offer Opus.',
  'offer-no-rtcp-mux': 'The audio section of the offer lacks a=rtcp-mux, which is required.',
  'offer-direction': 'The audio section of the offer is inactive; offer sendrecv, sendonly or recvonly.',
  'offer-not-bundled':
    'The audio and data sections of the offer are not in one BUNDLE group, which is required.',
  'offer-no-ice': 'The offer lacks a valid a=ice-ufrag and a=ice-pwd.',
  'offer-ice-lite': 'The offer is from an ICE-lite agent, which cannot reach a server behind a relay.',
  'offer-no-fingerprint': 'The offer lacks a valid a=fingerprint with sha-256.',
  'offer-setup': 'The offer lacks an a=setup of actpass, active or passive.',
}
