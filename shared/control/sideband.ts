/**
 * The sideband of a call: a WebSocket from the Worker to the call's transceiver (docs/control.md).
 *
 *   GET {controlUrl}/v1/calls/{callId}/sideband    Upgrade: websocket, signed as every control request
 *
 * Each text message is one Realtime event: to the transceiver what the client might have sent, from it everything
 * that the client is sent.
 */

import { CALLS_PATH } from './messages.ts'

/** The sidebands of one call. */
export const MAX_SIDEBANDS = 4

/** The largest event that a sideband may send. */
export const MAX_SIDEBAND_MESSAGE_BYTES = 262_144

/** What may wait for a sideband that reads slowly, before it is closed. */
export const MAX_SIDEBAND_BACKLOG_BYTES = 1_048_576

/** Why a sideband is closed; the reason that goes with it is a word. RFC 6455 section 7.4.1. */
export const SIDEBAND_CLOSE = {
  /** The call has ended; the reason says why. */
  ended: 1000,
  /** What it sent is no text. */
  notText: 1003,
  /** It read too slowly. */
  slow: 1013,
} as const

/** Why a call takes no further sideband. */
export type SidebandFault = 'call-unknown' | 'too-many-sidebands'

/** Returns the path of a call's sideband. */
export function sidebandPathOf(callId: string): string {
  return `${CALLS_PATH}/${callId}/sideband`
}

/** Returns the call whose sideband `path` is, if it is such a path. */
export function callIdOfSidebandPath(path: string): string | undefined {
  return SIDEBAND_PATH.exec(path)?.[1]
}

const SIDEBAND_PATH = /^\/v1\/calls\/(rtc_[\w-]{1,64})\/sideband$/
