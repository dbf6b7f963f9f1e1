/** Why a transceiver drops a packet, and how often: one closed union, which is the label of the metric. */

import type { LinkFault } from '#shared/link/frame'
import type { RtcpFault } from '#shared/packet/rtcp'
import type { RtpFault } from '#shared/packet/rtp'
import type { StunFault } from '#shared/stun/view'
import type { RouteFault } from '#shared/ufrag/route'
import type { DtlsFault } from '../crypto/dtls.ts'
import type { SrtpFault } from '../crypto/srtp-packet.ts'
import type { BackendDrop } from '../backends/backend-fault.ts'
import type { DataChannelFault } from './data-channel.ts'
import type { IceFault } from '../core/ice/agent.ts'
import type { ReceiverDrop } from '../core/media/audio-receiver.ts'

/** Every reason, by the layer that finds it. */
export type TransceiverDrop =
  | LinkFault
  | StunFault
  | RouteFault
  | IceFault
  | RtpFault
  | RtcpFault
  /** Not from the link port of a relay that is in the fleet. */
  | 'link-stranger'
  /** A pong whose token is not of one of the last pings. */
  | 'stray-pong'
  /** Neither STUN nor DTLS nor RTP nor RTCP. */
  | 'packet-unknown'
  /** A check without USERNAME, or with one that has no colon. */
  | 'ufrag-absent'
  /** A route to another transceiver, or to a session that has ended. */
  | 'session-unknown'
  /** From an endpoint on which no check has verified. */
  | 'path-unknown'
  /** Media before the keys are there. */
  | 'srtp-too-early'
  | SrtpFault
  | DtlsFault
  | DataChannelFault
  /** Audio that is no packet of the call's codec, or that the jitter buffer does not take. */
  | ReceiverDrop
  /** An event for the client that its channel does not take: too large, or too many before it was open. */
  | 'event-unsent'
  /** Between this call and its backend. */
  | `backend-${BackendDrop}`

/** Counts drops. */
export class DropCounts {
  readonly #countByReason: Partial<Record<TransceiverDrop, number>> = {}

  /** Counts one drop. */
  count(reason: TransceiverDrop): void {
    this.#countByReason[reason] = (this.#countByReason[reason] ?? 0) + 1
  }

  /** The counts so far; a reason that never occurred is absent. */
  toRecord(): Readonly<Partial<Record<TransceiverDrop, number>>> {
    return { ...this.#countByReason }
  }
}
