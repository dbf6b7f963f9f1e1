/**
 * Why the relay drops: the closed list of docs/relay.md, whose order gives each reason its number.
 *
 * On the packet path a drop is a negative number, a forwarded packet the index of its upstream; the reason's
 * name is the metric's label.
 */

/** Reasons to drop what a client sent. */
export const UPLINK_DROP_REASONS = [
  'oversize',
  'portless-source',
  'unknown-class',
  'stun-truncated',
  'stun-type',
  'stun-cookie',
  'stun-length',
  'stun-attribute',
  'stun-integrity',
  'stun-fingerprint',
  'no-ufrag',
  'source-budget',
  'ufrag-length',
  'ufrag-alphabet',
  'ufrag-not-ours',
  'ufrag-unknown-key',
  'ufrag-forged',
  'ufrag-expired',
  'unknown-upstream',
  'session-budget',
  'unknown-flow',
  'recovering',
] as const

/** Reasons to drop a whole link datagram. */
export const LINK_DROP_REASONS = [
  'stranger',
  'link-truncated',
  'link-magic',
  'link-version',
  'link-type',
  'link-probe',
  'wrong-cookie',
  'stray-pong',
] as const

/** Reasons to drop one frame of a link datagram; a frame that cannot be read takes the rest along. */
export const FRAME_DROP_REASONS = [
  'link-frame',
  'link-address',
  'unknown-listener',
  'portless-client',
] as const

/** Every reason, in the order of its number. */
export const DROP_REASONS = [...UPLINK_DROP_REASONS, ...LINK_DROP_REASONS, ...FRAME_DROP_REASONS] as const

export type DropReason = (typeof DROP_REASONS)[number]

/** Returns the number of a drop, always negative. */
export function dropCode(reason: DropReason): number {
  return -1 - DROP_REASONS.indexOf(reason)
}

/** Returns the index that a drop with this code has in `DROP_REASONS` and in the relay's counters. */
export function dropIndex(code: number): number {
  return -1 - code
}
