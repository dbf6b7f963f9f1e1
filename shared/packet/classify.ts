/**
 * Tells by its first two bytes what a UDP datagram claims to carry.
 *
 * STUN, DTLS, RTP and RTCP share one 5-tuple in WebRTC; RFC 7983 section 7, updated by RFC 9443 section 3,
 * gives each a range of first bytes, and RFC 5761 section 4 separates RTCP from RTP by packet type. Only the
 * ranges are checked: `stun` says nothing about validity. ZRTP, TURN channels and QUIC are `unknown` here.
 */

import { readU8 } from '#shared/bytes'

/** What a datagram claims to carry. */
export type PacketKind = 'stun' | 'dtls' | 'rtp' | 'rtcp' | 'unknown'

/** Returns the protocol that the `length` bytes at `start` claim to carry. */
export function classifyPacket(memory: Uint8Array, start: number, length: number): PacketKind {
  if (length === 0) return 'unknown'
  const first = readU8(memory, start)
  if (first <= STUN_LAST) return 'stun'
  if (first >= DTLS_FIRST && first <= DTLS_LAST) return 'dtls'
  if (first < RTP_FIRST || first > RTP_LAST) return 'unknown'
  return length > 1 && isRtcpType(readU8(memory, start + 1)) ? 'rtcp' : 'rtp'
}

function isRtcpType(type: number): boolean {
  return type >= RTCP_TYPE_FIRST && type <= RTCP_TYPE_LAST
}

/** First-byte ranges, RFC 9443 section 3. */
const STUN_LAST = 3
const DTLS_FIRST = 20
const DTLS_LAST = 63
const RTP_FIRST = 128
const RTP_LAST = 191

/** Second bytes that are RTCP packet types and never a marker bit with an RTP payload type, RFC 5761 section 4. */
const RTCP_TYPE_FIRST = 192
const RTCP_TYPE_LAST = 223
