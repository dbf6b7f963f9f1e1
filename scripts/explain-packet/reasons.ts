/** What each of the relay's drop reasons means, for people: docs/relay.md, "From a client" and "From a transceiver". */

import type { DropReason } from '../../relay-nodes/core/drop-reasons.ts'

/** Returns the sentence for a reason. */
export function describeDrop(reason: DropReason): string {
  return SENTENCE_BY_REASON[reason]
}

const SENTENCE_BY_REASON: Readonly<Record<DropReason, string>> = {
  oversize: 'it is longer than any client packet that a link carries',
  'portless-source': 'nothing could ever be sent back to port 0',
  'unknown-class': 'its first bytes are not those of STUN, DTLS, RTP or RTCP',
  'stun-truncated': 'it begins like STUN but is shorter than a STUN header',
  'stun-type': 'its message type has one of the two top bits set',
  'stun-cookie': 'it begins like STUN but has not the magic cookie',
  'stun-length': 'the length in its header is not its length, or no multiple of 4',
  'stun-attribute': 'an attribute ends behind the message',
  'stun-integrity': 'its MESSAGE-INTEGRITY has not 20 bytes',
  'stun-fingerprint': 'its FINGERPRINT has not 4 bytes, or is not the last attribute',
  'no-ufrag': 'it is a Binding request without a colon in its USERNAME',
  'source-budget': 'its network has used up its budget of checks',
  'ufrag-length': 'the ufrag asked for has not 22 characters',
  'ufrag-alphabet': 'the ufrag asked for has a character that is no ice-char',
  'ufrag-not-ours': 'the ufrag asked for has key id 15, which marks those of somebody else',
  'ufrag-unknown-key': 'the relay has no key of the id that the ufrag names',
  'ufrag-forged': 'the ufrag was not sealed under the key that it names',
  'ufrag-expired': 'the ufrag was good until a minute that has passed',
  'unknown-upstream': 'the route leads to a transceiver that is not in the allow-table',
  'session-budget': 'unknown clients have used up the budget of checks for this session',
  'unknown-flow': 'it carries no route, and no transceiver has bound this client at this port',
  recovering: 'it carries no route, and where its flow leads is being looked up',
  stranger: 'its sender is not the link endpoint of a transceiver in the allow-table',
  'link-truncated': 'it is shorter than the header of a link datagram',
  'link-magic': 'it does not begin with the magic of the link',
  'link-version': 'it is of another version of the link',
  'link-type': 'it is neither data nor a ping nor a pong',
  'link-probe': 'a ping or pong has 20 bytes',
  'wrong-cookie': 'it does not carry the cookie of this relay',
  'stray-pong': 'it repeats the token of no ping of the last second',
  'link-frame': 'a frame ends behind the datagram, so the rest cannot be read',
  'link-address': 'a frame writes an IPv4 address in 16 bytes, so the rest is not read',
  'unknown-listener': 'a frame is for a client port that this relay has not, or on the other transport',
  'portless-client': 'a frame is for port 0',
}
