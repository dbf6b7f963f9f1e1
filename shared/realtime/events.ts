/**
 * Realtime events as they travel: JSON text on the data channel, objects within Firsthop (docs/backends.md).
 *
 * Only what every event has in common is checked here, because most events pass through Firsthop untouched:
 * `client-events.ts` reads what a client asks of an agent, `server-events.ts` lists what Firsthop itself sends.
 */

/** A Realtime event: a JSON object with a `type`; server events also carry `event_id`. */
export interface RealtimeEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/** Mints an identifier that begins with `prefix`, as `event_2f1c…`; it is the source of all ids of a session. */
export type MintId = (prefix: 'call' | 'event' | 'item' | 'resp' | 'sess') => string

/** Why a text is not an event. */
export type EventFault = 'event-too-large' | 'event-too-deep' | 'event-not-json' | 'event-without-type'

/** Reads an event that a client sent in `text`; a string is the reason why there is none. */
export function parseClientEvent(text: string): RealtimeEvent | EventFault {
  if (text.length > MAX_EVENT_CHARACTERS) return 'event-too-large'
  if (nestsTooDeep(text)) return 'event-too-deep'
  const value = parseJson(text)
  if (value === undefined) return 'event-not-json'
  return isEvent(value) ? value : 'event-without-type'
}

/** Reads an event that a backend sent, whose size the connection bounds; it is passed on as text, never written again. */
export function parseBackendEvent(
  text: string,
): RealtimeEvent | Extract<EventFault, 'event-not-json' | 'event-without-type'> {
  const value = parseJson(text)
  if (value === undefined) return 'event-not-json'
  return isEvent(value) ? value : 'event-without-type'
}

/** Looks for more open brackets than a writer of JSON, which recurses, can close again. */
function nestsTooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === BACKSLASH) at++
    else if (character === QUOTE) inString = !inString
    else if (inString) continue
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) depth++
    else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--
    if (depth > MAX_EVENT_DEPTH) return true
  }
  return false
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isEvent(value: unknown): value is RealtimeEvent {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false
  return typeof value.type === 'string' && value.type.length <= MAX_TYPE_CHARACTERS
}

/** The largest event taken from a client: what one data channel message of a browser may hold. */
export const MAX_EVENT_CHARACTERS = 262_144

/** Deep enough for the JSON schema of a tool. */
const MAX_EVENT_DEPTH = 64

/** Twice the longest type that the API has. */
const MAX_TYPE_CHARACTERS = 128

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
