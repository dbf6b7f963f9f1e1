/** Reads what a light client needs of an answer: credentials, fingerprint, and the relays' ports for UDP. */

import type { Endpoint } from '#shared/endpoint'
import { attributeValue, attributeValues, parseDescription } from '#shared/sdp/description'

/** The server's side of a call. */
export interface Answer {
  readonly ufrag: string
  readonly pwd: string
  readonly fingerprint: string
  /** In the order of the answer. */
  readonly candidates: readonly Endpoint[]
}

/** Reads an answer; throws when it has not what a call needs. */
export function readAnswer(text: string): Answer {
  const description = parseDescription(text)
  const section = typeof description === 'string' ? undefined : description.media[0]
  if (typeof description === 'string' || section === undefined) throw new Error('the answer is not SDP')
  const candidates = attributeValues(section, 'candidate').flatMap(readCandidate)
  // What stands for the whole session may stand above its sections.
  const valueOf = (name: string) => attributeValue(section, name) ?? attributeValue(description, name)
  const [ufrag, pwd] = [valueOf('ice-ufrag'), valueOf('ice-pwd')]
  const fingerprint = valueOf('fingerprint')?.replace(/^sha-256 /i, '')
  if (!ufrag || !pwd || !fingerprint || candidates.length === 0) throw new Error('the answer takes no audio')
  return { ufrag, pwd, fingerprint, candidates }
}

/** RFC 8839 section 5.1: foundation, component, transport, priority, address, port. */
function readCandidate(value: string): Endpoint[] {
  const [, , transport, , address = '', port = ''] = value.split(' ')
  return transport?.toLowerCase() === 'udp' ? [{ address, port: Number(port) }] : []
}
