/**
 * The transport of an offer: what ICE and DTLS need from the client.
 *
 * RFC 8839 section 5 and RFC 8842 section 5 let most of these attributes stand at session level, where they hold
 * for every m-line that has none of its own. Candidates are not read: clients are learnt from their checks, and
 * what a browser offers are mDNS names (RFC 8828) that would tell nothing.
 */

import { attributeValue, attributeValues } from './description.ts'
import type { MediaSection, SessionDescription } from './description.ts'
import type { OfferFault } from './offer-fault.ts'

/** A certificate's hash as SDP writes it: upper-case hexadecimal bytes with colons (RFC 8122 section 5). */
export interface Fingerprint {
  readonly algorithm: 'sha-256'
  readonly value: string
}

/** Which side of DTLS the client takes (RFC 8842 section 5.2). */
export type OfferedSetup = 'actpass' | 'active' | 'passive'

export interface TransportOffer {
  readonly iceUfrag: string
  readonly icePwd: string
  readonly iceOptions: readonly string[]
  /** The certificates that the client may present, of which one must match: at least one. */
  readonly fingerprints: readonly Fingerprint[]
  readonly setup: OfferedSetup
}

/** Reads the transport of `section`, with what it inherits from the session level. */
export function readTransport(
  description: SessionDescription,
  section: MediaSection,
): TransportOffer | OfferFault {
  const inherited = (name: string) => attributeValue(section, name) ?? attributeValue(description, name)
  if (attributeValue(description, 'ice-lite') !== undefined) return 'offer-ice-lite'
  const iceUfrag = inherited('ice-ufrag') ?? ''
  const icePwd = inherited('ice-pwd') ?? ''
  if (!ICE_UFRAG.test(iceUfrag) || !ICE_PWD.test(icePwd)) return 'offer-no-ice'
  const fingerprints = readFingerprints(description, section)
  if (fingerprints.length === 0) return 'offer-no-fingerprint'
  const setup = inherited('setup')?.toLowerCase()
  if (setup !== 'actpass' && setup !== 'active' && setup !== 'passive') return 'offer-setup'
  return { iceUfrag, icePwd, iceOptions: readIceOptions(description, section), fingerprints, setup }
}

/** Hashes other than SHA-256 are passed over: the client offers the same certificate under each of them. */
function readFingerprints(description: SessionDescription, section: MediaSection): Fingerprint[] {
  const own = attributeValues(section, 'fingerprint')
  const values = own.length > 0 ? own : attributeValues(description, 'fingerprint')
  return values
    .map((value) => SHA_256_FINGERPRINT.exec(value)?.[1]?.toUpperCase())
    .filter((value) => value !== undefined)
    .map((value) => ({ algorithm: 'sha-256', value }))
}

/** Both levels count. Options are separated by spaces; libdatachannel writes "ice2,trickle". */
function readIceOptions(description: SessionDescription, section: MediaSection): string[] {
  const values = [description, section].flatMap((part) => attributeValues(part, 'ice-options'))
  return [...new Set(values.flatMap((value) => value.split(/[\s,]+/)))].filter((option) => option !== '')
}

/** RFC 8839 section 5.4: ice-chars, 4 to 256 in a user name fragment, 22 to 256 in a password. */
export const ICE_UFRAG = /^[A-Za-z0-9+/]{4,256}$/
export const ICE_PWD = /^[A-Za-z0-9+/]{22,256}$/

/** RFC 8122 section 5; the name of the hash and the digits are taken in any case. */
const SHA_256_FINGERPRINT = /^sha-256\s+([0-9A-F]{2}(?::[0-9A-F]{2}){31})$/i
