/**
 * SDP fragments, `application/trickle-ice-sdpfrag`: RFC 8840 section 9, as RFC 9725 section 4.3 uses them to
 * trickle candidates and to restart ICE.
 *
 *     a=ice-options:ice2                      session level: nothing but attributes of ICE
 *     a=ice-ufrag:…
 *     a=ice-pwd:…
 *     m=audio 9 UDP/TLS/RTP/SAVPF 0           a pseudo m-line for the candidates that follow it
 *     a=mid:0
 *     a=candidate:…
 *     a=end-of-candidates
 *
 * One set of credentials is read, wherever it stands: all media share one transport. Two that differ are refused.
 */

import { utf8 } from '#shared/bytes'
import { ICE_PWD, ICE_UFRAG } from './transport.ts'

/** What a fragment says. */
export interface IceFragment {
  readonly iceUfrag: string
  readonly icePwd: string
  readonly iceOptions: readonly string[]
  /** The m-line that the candidates stand under, without `m=`, and its mid. */
  readonly section: { readonly line: string; readonly mid: string } | undefined
  /** Values of `a=candidate`, RFC 8839 section 5.1, unread. */
  readonly candidates: readonly string[]
  /** No further candidate will come. */
  readonly isComplete: boolean
}

/** Why a fragment is refused; the `code` of the API's error. */
export type FragmentFault = 'fragment-malformed' | 'fragment-too-large' | 'fragment-no-ice'

/** The largest fragment that is read; Chromium's have some hundred bytes. */
export const MAX_FRAGMENT_BYTES = 16_384

/** Parses `text`, or says why it is refused. */
export function parseFragment(text: string): IceFragment | FragmentFault {
  if (utf8(text).length > MAX_FRAGMENT_BYTES) return 'fragment-too-large'
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  if (!lines.every((line) => LINE.test(line))) return 'fragment-malformed'
  const [iceUfrag, ...otherUfrags] = new Set(valuesOf(lines, 'ice-ufrag'))
  const [icePwd, ...otherPwds] = new Set(valuesOf(lines, 'ice-pwd'))
  if (otherUfrags.length > 0 || otherPwds.length > 0) return 'fragment-malformed'
  if (!ICE_UFRAG.test(iceUfrag ?? '') || !ICE_PWD.test(icePwd ?? '')) return 'fragment-no-ice'
  const line = lines.find((candidate) => candidate.startsWith('m='))?.slice(2)
  const mid = valuesOf(lines, 'mid')[0]
  return {
    iceUfrag: iceUfrag ?? '',
    icePwd: icePwd ?? '',
    iceOptions: valuesOf(lines, 'ice-options').flatMap((options) => options.split(/[\s,]+/)),
    section: line === undefined || mid === undefined ? undefined : { line, mid },
    candidates: valuesOf(lines, 'candidate'),
    isComplete: lines.includes('a=end-of-candidates'),
  }
}

/** Writes `fragment`. */
export function writeFragment(fragment: IceFragment): string {
  const { iceUfrag, icePwd, iceOptions, section, candidates, isComplete } = fragment
  const lines = [
    ...(iceOptions.length > 0 ? [`a=ice-options:${iceOptions.join(' ')}`] : []),
    `a=ice-ufrag:${iceUfrag}`,
    `a=ice-pwd:${icePwd}`,
    ...(section === undefined ? [] : [`m=${section.line}`, `a=mid:${section.mid}`]),
    ...candidates.map((candidate) => `a=candidate:${candidate}`),
    ...(isComplete ? ['a=end-of-candidates'] : []),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

/** Returns the sentence that tells the sender of a fragment what is wrong with it. */
export function describeFragmentFault(fault: FragmentFault): string {
  return SENTENCE_BY_FAULT[fault]
}

function valuesOf(lines: readonly string[], name: string): string[] {
  const prefix = `a=${name}:`
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length).trim())
}

/** RFC 8840 section 9.1: attributes and pseudo m-lines; other lines of a whole description do no harm. */
const LINE = /^[a-z]=[^\r\n]+$/

const SENTENCE_BY_FAULT: Readonly<Record<FragmentFault, string>> = {
  'fragment-malformed': 'The fragment is not application/trickle-ice-sdpfrag (RFC 8840).',
  'fragment-too-large': `The fragment is larger than ${MAX_FRAGMENT_BYTES} bytes.`,
  'fragment-no-ice': 'The fragment lacks a valid a=ice-ufrag and a=ice-pwd.',
}
