/** What a client is told of its session's limit: docs/api.md, "The end of a session". */

import type { RealtimeEvent } from '#shared/realtime/events'
import type { SessionLimitReason } from './session-limit.ts'

/** Returns the event that warns of the end. */
export function endingEvent(
  reason: SessionLimitReason,
  remainingMillis: number,
  eventId: string,
): RealtimeEvent {
  const { code } = LAST_WORDS[reason]
  const secondsLeft = Math.ceil(remainingMillis / 1000)
  return { type: 'firsthop.session.ending', event_id: eventId, reason: code, seconds_left: secondsLeft }
}

/** Returns the error that is the last event of a session. */
export function endedError(reason: SessionLimitReason, eventId: string): RealtimeEvent {
  const { type, code, message } = LAST_WORDS[reason]
  return { type: 'error', event_id: eventId, error: { type, code, message, param: null, event_id: null } }
}

/** The first is the API's own, code and type. */
const LAST_WORDS = {
  'session-expired': {
    type: 'invalid_request_error',
    code: 'session_expired',
    message: 'Your session hit the maximum duration.',
  },
  'node-draining': {
    type: 'server_error',
    code: 'server_draining',
    message: 'The server that carries your session shuts down; place the call again.',
  },
} as const satisfies Record<SessionLimitReason, object>
