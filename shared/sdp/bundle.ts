/**
 * The BUNDLE group of an offer: the m-lines that share one transport, and the tag that stands for it (RFC 9143).
 *
 * The tag is the first line of the group (section 7.3.1), even one that nobody takes up: in Chromium with the
 * policy max-bundle it owns the transport of the others, and an answer that rejects it fails. Such a line is
 * answered inactive.
 */

import { attributeValue, attributeValues } from './description.ts'
import type { MediaSection, SessionDescription } from './description.ts'

export interface Bundle {
  /** The m-line whose transport is used. */
  readonly tagged: MediaSection
  /** The mids to answer in the group, the tag first; empty if the offer bundles nothing. */
  readonly mids: readonly string[]
}

/** Finds the bundle of `taken`, the m-lines to take up; one line alone needs no group. */
export function selectBundle(
  description: SessionDescription,
  taken: readonly [MediaSection, ...MediaSection[]],
): Bundle | 'offer-not-bundled' {
  const takenMids = taken.map(midOf)
  const group = bundleGroups(description).find((mids) => takenMids.every((mid) => mids.includes(mid)))
  if (group === undefined) return taken.length === 1 ? { tagged: taken[0], mids: [] } : 'offer-not-bundled'
  const [first] = group
  const mids = group.filter((mid) => takenMids.includes(mid))
  const tagged = [first, ...mids]
    .map((tag) => description.media.find((section) => midOf(section) === tag))
    .find((section) => section !== undefined && canStandForAll(section, taken))
  if (tagged === undefined) return 'offer-not-bundled'
  return { tagged, mids: [...new Set([midOf(tagged), ...mids])].filter((mid) => mid !== undefined) }
}

/** Lists the mids of each BUNDLE group, each once; `undefined`, the mid of a line that has none, is in no group. */
function bundleGroups(description: SessionDescription): (string | undefined)[][] {
  return attributeValues(description, 'group')
    .map((value) => value.split(/ +/))
    .filter(([semantics]) => semantics === 'BUNDLE')
    .map(([, ...mids]) => [...new Set(mids)])
}

/** A line with port 0 is disabled, or waits for the transport of another (RFC 9143 section 6). */
function canStandForAll(section: MediaSection, taken: readonly MediaSection[]): boolean {
  return section.port !== 0 && (taken.includes(section) || attributeValue(section, 'rtcp-mux') !== undefined)
}

function midOf(section: MediaSection): string | undefined {
  return attributeValue(section, 'mid')
}
