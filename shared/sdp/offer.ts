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
  /** The mids that share the transport, in the order of the offer's group; empty if the offer bundles nothing. */
  readonly bundle: readonly string[]
}

/** One m-line of an offer, and what it is taken up for. */
export interface OfferedSection {
  readonly use: 'audio' | 'application' | 'none'
  readonly mid: string | undefined
  readonly media: string
  readonly protocol: string
  readonly formats: readonly string[]
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
  const bundle = selectBundle(description, media)
  if (typeof bundle === 'string') return bundle
  const transport = readTransport(description, bundle.transport)
  if (typeof transport === 'string') return transport
  const sections = description.media.map((section) => describeSection(section, media))
  return { ...transport, audio: media.audio, application: media.application, sections, bundle: bundle.mids }
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

/**
 * Finds the one transport of the lines taken up: that of the first of them in the BUNDLE group, which is the
 * offerer's tag once the lines before it are rejected (RFC 9143 section 7.3.1).
 *
 * If that line is bundle-only it may have no transport of its own (RFC 9429 section 5.2.1); then the group's first
 * line speaks for it. One line alone needs no group.
 */
function selectBundle(
  description: SessionDescription,
  { audioSection, applicationSection }: SelectedMedia,
): { transport: MediaSection; mids: string[] } | OfferFault {
  const taken = [audioSection, ...(applicationSection ? [applicationSection] : [])]
  const takenMids = taken.map((section) => attributeValue(section, 'mid'))
  const groups = attributeValues(description, 'group').map((value) => value.split(/ +/))
  const group = groups.find(
    ([semantics, ...mids]) =>
      semantics === 'BUNDLE' && takenMids.every((mid) => mid !== undefined && mids.includes(mid)),
  )
  if (group === undefined)
    return taken.length === 1 ? { transport: audioSection, mids: [] } : 'offer-not-bundled'
  const mids = group.slice(1).filter((mid) => takenMids.includes(mid))
  const hosts = [mids[0], group[1]].map((mid) => sectionOf(description, mid))
  const transport = hosts.find((section) => section && attributeValue(section, 'ice-ufrag') !== undefined)
  return { transport: transport ?? hosts[0] ?? audioSection, mids }
}

function sectionOf(description: SessionDescription, mid: string | undefined): MediaSection | undefined {
  return description.media.find((section) => attributeValue(section, 'mid') === mid)
}

function describeSection(section: MediaSection, selected: SelectedMedia): OfferedSection {
  const { media, protocol, formats } = section
  return { use: useOf(section, selected), mid: attributeValue(section, 'mid'), media, protocol, formats }
}

function useOf(section: MediaSection, selected: SelectedMedia): OfferedSection['use'] {
  if (section === selected.audioSection) return 'audio'
  return section === selected.applicationSection ? 'application' : 'none'
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
