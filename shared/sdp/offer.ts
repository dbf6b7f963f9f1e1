/**
 * Reads what an offer asks for: one audio line, perhaps data channels, and the one transport of both.
 *
 * docs/sdp.md says what is read, what is answered and what is refused; RFC 9429 (JSEP) section 5.8 is the model.
 * The first usable audio line and the first data channel line are taken up, in any order; every other m-line is
 * kept in its place so that the answer can reject it (RFC 3264 section 6).
 */

import { utf8 } from '#shared/bytes'
import { isDataChannelSection, readApplication } from './application.ts'
import type { ApplicationOffer } from './application.ts'
import { readAudio } from './audio.ts'
import type { AudioOffer } from './audio.ts'
import { selectBundle } from './bundle.ts'
import type { Bundle } from './bundle.ts'
import { attributeValue, attributeValues, parseDescription } from './description.ts'
import type { MediaSection, SessionDescription } from './description.ts'
import { MAX_MEDIA_SECTIONS, MAX_OFFER_BYTES } from './offer-fault.ts'
import type { OfferFault } from './offer-fault.ts'
import { readTransport } from './transport.ts'
import type { TransportOffer } from './transport.ts'

/** What a client offers, as far as it can be taken up. */
export interface Offer extends TransportOffer {
  readonly audio: AudioOffer
  readonly application: ApplicationOffer | undefined
  /** Every m-line of the offer, in order. */
  readonly sections: readonly OfferedSection[]
  /** The mids that share the transport, the tag first; empty if the offer bundles nothing. */
  readonly bundle: readonly string[]
}

/** One m-line of an offer, and what it is taken up for: a 'tag' only lends its transport to the others. */
export interface OfferedSection {
  readonly use: 'audio' | 'application' | 'tag' | 'none'
  readonly mid: string | undefined
  readonly media: string
  readonly protocol: string
  /** The first format, and the value of its rtpmap if it has one. */
  readonly format: string
  readonly rtpmap: string | undefined
}

/** Reads `text` as an offer, or says why it is refused; `describeOfferFault` has the sentence for the client. */
export function readOffer(text: string): Offer | OfferFault {
  if (utf8(text).length > MAX_OFFER_BYTES) return 'offer-too-large'
  const description = parseDescription(text)
  if (typeof description === 'string') return description
  if (description.media.length > MAX_MEDIA_SECTIONS) return 'offer-too-many-media'
  if (!hasValidMids(description)) return 'sdp-malformed'
  const media = selectMedia(description)
  if (typeof media === 'string') return media
  const { audio, audioSection, application, applicationSection } = media
  const bundle = selectBundle(
    description,
    applicationSection ? [audioSection, applicationSection] : [audioSection],
  )
  if (typeof bundle === 'string') return bundle
  const transport = readTransport(description, bundle.tagged)
  if (typeof transport === 'string') return transport
  const sections = description.media.map((section) => describeSection(section, media, bundle))
  return { ...transport, audio, application, sections, bundle: bundle.mids }
}

/** The m-lines taken up, and what they say. */
interface SelectedMedia {
  readonly audioSection: MediaSection
  readonly audio: AudioOffer
  readonly applicationSection: MediaSection | undefined
  readonly application: ApplicationOffer | undefined
}

function selectMedia(description: SessionDescription): SelectedMedia | OfferFault {
  const enabled = description.media.filter(isEnabled)
  const audio = selectAudio(description, enabled)
  if (typeof audio === 'string') return audio
  const applicationSection = enabled.find(isDataChannelSection)
  const application = applicationSection && readApplication(applicationSection)
  if (typeof application === 'string') return application
  return { ...audio, applicationSection, application }
}

/** Takes the first usable audio line; if there is none, the fault of the first one is told. */
function selectAudio(
  description: SessionDescription,
  enabled: readonly MediaSection[],
): Pick<SelectedMedia, 'audioSection' | 'audio'> | OfferFault {
  let firstFault: OfferFault | undefined
  for (const audioSection of enabled.filter(isAudioSection)) {
    const audio = readAudio(description, audioSection)
    if (typeof audio !== 'string') return { audioSection, audio }
    firstFault ??= audio
  }
  return firstFault ?? 'offer-no-audio'
}

function describeSection(section: MediaSection, selected: SelectedMedia, bundle: Bundle): OfferedSection {
  const { media, protocol, formats } = section
  const mid = attributeValue(section, 'mid')
  const rtpmaps = attributeValues(section, 'rtpmap').filter((value) => value.startsWith(`${formats[0]} `))
  return {
    use: useOf(section, selected, bundle),
    mid,
    media,
    protocol,
    format: formats[0],
    rtpmap: rtpmaps[0],
  }
}

function useOf(section: MediaSection, selected: SelectedMedia, { tagged }: Bundle): OfferedSection['use'] {
  if (section === selected.audioSection) return 'audio'
  if (section === selected.applicationSection) return 'application'
  return section === tagged ? 'tag' : 'none'
}

/** A line with port 0 is disabled, unless it waits for the bundle (RFC 9143 section 6). */
function isEnabled(section: MediaSection): boolean {
  return section.port !== 0 || attributeValue(section, 'bundle-only') !== undefined
}

/** RFC 9429 section 5.1.2 has every RTP profile taken as DTLS-SRTP; the fingerprint is what says so. */
function isAudioSection({ media, protocol }: MediaSection): boolean {
  return media === 'audio' && /(?:^|\/)RTP\/S?AVPF?$/.test(protocol)
}

/** A mid is a token that no other m-line has (RFC 5888 section 4). */
function hasValidMids(description: SessionDescription): boolean {
  const mids = description.media.flatMap((section) => attributeValues(section, 'mid'))
  return new Set(mids).size === mids.length && mids.every((mid) => /^[!-~]+$/.test(mid))
}
