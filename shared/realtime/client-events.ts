/**
 * What a client may ask of an agent: the client events of the Realtime API, checked (API reference, Realtime,
 * client events).
 *
 * An event that is not one of them, or not well-formed, comes back as the error that the API would send.
 */

import * as v from 'valibot'
import type { RealtimeEvent } from './events.ts'
import { itemDraftSchema } from './items.ts'
import { outputSettings, sessionUpdateSchema } from './session-config.ts'
import type { SessionUpdate } from './session-config.ts'

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(64))
const index = v.pipe(v.number(), v.integer(), v.minValue(0))

const responseSettings = v.object({
  ...outputSettings,
  conversation: v.optional(v.picklist(['auto', 'none']), 'auto'),
  input: v.exactOptional(v.pipe(v.array(itemDraftSchema), v.maxLength(16))),
  metadata: v.optional(v.nullable(v.record(shortText(64), shortText(512))), null),
})

const clientEventSchema = v.variant('type', [
  event('session.update', { session: sessionUpdateSchema }),
  event('input_audio_buffer.append', { audio: v.pipe(v.string(), v.base64()) }),
  event('input_audio_buffer.commit', {}),
  event('input_audio_buffer.clear', {}),
  event('output_audio_buffer.clear', {}),
  event('conversation.item.create', {
    item: itemDraftSchema,
    previous_item_id: v.exactOptional(v.nullable(id)),
  }),
  event('conversation.item.retrieve', { item_id: id }),
  event('conversation.item.truncate', { item_id: id, content_index: index, audio_end_ms: index }),
  event('conversation.item.delete', { item_id: id }),
  event('response.create', { response: v.optional(responseSettings, {}) }),
  event('response.cancel', { response_id: v.exactOptional(id) }),
])

/** A client event that is well-formed. */
export type ClientEvent = v.InferOutput<typeof clientEventSchema>

/** The settings of `response.create`, with its defaults. */
export type ResponseSettings = v.InferOutput<typeof responseSettings>

/** What was wrong with a client event, in the API's shape. */
export interface RequestError {
  readonly type: 'invalid_request_error'
  readonly code: string
  readonly message: string
  readonly param: string | null
}

/** Reads what `event` asks, or says what is wrong with it; their `type` tells them apart. */
export function readClientEvent(event: RealtimeEvent): ClientEvent | RequestError {
  const result = v.safeParse(clientEventSchema, event, { abortEarly: true })
  return result.success ? result.output : requestErrorOf(result.issues[0])
}

/** Reads the configuration that came with a call. */
export function readSessionUpdate(session: unknown): SessionUpdate | RequestError {
  const result = v.safeParse(sessionUpdateSchema, session, { abortEarly: true })
  return result.success ? result.output : requestErrorOf(result.issues[0])
}

/** Says that a request is refused for a reason that its form does not show. */
export function requestError(code: string, message: string, param: string | null = null): RequestError {
  return { type: 'invalid_request_error', code, message, param }
}

function requestErrorOf(issue: v.BaseIssue<unknown>): RequestError {
  const param = v.getDotPath(issue)
  const code = issue.received === 'undefined' ? 'missing_required_parameter' : 'invalid_value'
  const message = `${param ?? 'event'}: ${issue.message}`
  return requestError(code, message.slice(0, MAX_MESSAGE_CHARACTERS), param)
}

function event<const TType extends string, TEntries extends v.ObjectEntries>(type: TType, entries: TEntries) {
  return v.object({ type: v.literal(type), event_id: v.exactOptional(shortText(512)), ...entries })
}

function shortText(most: number) {
  return v.pipe(v.string(), v.maxLength(most))
}

/** The validator quotes what it received, which may be long. */
const MAX_MESSAGE_CHARACTERS = 500
