/**
 * The Realtime events that Firsthop itself sends: its embedded agent, and the media edge (docs/backends.md).
 *
 * One table names each event and its fields, so that an event with a wrong field does not compile; the tests hold
 * the table against the `openai` package's types. `response.output_audio.delta` is missing on purpose: over WebRTC
 * audio is RTP.
 */

import type { RequestError } from './client-events.ts'
import type { MintId, RealtimeEvent } from './events.ts'
import type { ConversationItem } from './items.ts'
import type { RealtimeResponse } from './response.ts'
import type { RealtimeSession } from './session-config.ts'

/** The part of a response that a content event belongs to. */
export interface PartAddress {
  readonly response_id: string
  readonly item_id: string
  readonly output_index: number
  readonly content_index: number
}

/** A content part in a `response.content_part` event; items call the same part `output_audio` and `output_text`. */
export type ResponsePart =
  { readonly type: 'audio'; readonly transcript: string } | { readonly type: 'text'; readonly text: string }

interface Item {
  readonly item_id: string
}

interface PlacedItem {
  readonly previous_item_id: string | null
  readonly item: ConversationItem
}

interface ResponseItem {
  readonly response_id: string
  readonly output_index: number
  readonly item: ConversationItem
}

/** The fields of each event, without `type` and `event_id`. */
export interface ServerEventFields {
  'session.created': { readonly session: RealtimeSession }
  'session.updated': { readonly session: RealtimeSession }
  'conversation.item.added': PlacedItem
  'conversation.item.done': PlacedItem
  'conversation.item.retrieved': { readonly item: ConversationItem }
  'conversation.item.truncated': Item & { readonly content_index: number; readonly audio_end_ms: number }
  'conversation.item.deleted': Item
  'conversation.item.input_audio_transcription.completed': Item & {
    readonly content_index: number
    readonly transcript: string
    readonly usage: { readonly type: 'duration'; readonly seconds: number }
  }
  'input_audio_buffer.committed': Item & { readonly previous_item_id: string | null }
  'input_audio_buffer.cleared': object
  'input_audio_buffer.speech_started': Item & { readonly audio_start_ms: number }
  'input_audio_buffer.speech_stopped': Item & { readonly audio_end_ms: number }
  'input_audio_buffer.timeout_triggered': Item & {
    readonly audio_start_ms: number
    readonly audio_end_ms: number
  }
  'output_audio_buffer.started': { readonly response_id: string }
  'output_audio_buffer.stopped': { readonly response_id: string }
  'output_audio_buffer.cleared': { readonly response_id: string }
  'response.created': { readonly response: RealtimeResponse }
  'response.output_item.added': ResponseItem
  'response.output_item.done': ResponseItem
  'response.content_part.added': PartAddress & { readonly part: ResponsePart }
  'response.content_part.done': PartAddress & { readonly part: ResponsePart }
  'response.output_audio_transcript.delta': PartAddress & { readonly delta: string }
  'response.output_audio_transcript.done': PartAddress & { readonly transcript: string }
  'response.output_audio.done': PartAddress
  'response.output_text.delta': PartAddress & { readonly delta: string }
  'response.output_text.done': PartAddress & { readonly text: string }
  'response.function_call_arguments.delta': FunctionCallAddress & { readonly delta: string }
  'response.function_call_arguments.done': FunctionCallAddress & {
    readonly name: string
    readonly arguments: string
  }
  'response.done': { readonly response: RealtimeResponse }
  'rate_limits.updated': { readonly rate_limits: readonly never[] }
  error: { readonly error: RequestError & { readonly event_id: string | null } }
}

interface FunctionCallAddress {
  readonly response_id: string
  readonly item_id: string
  readonly output_index: number
  readonly call_id: string
}

/** The name of an event that Firsthop sends. */
export type ServerEventType = keyof ServerEventFields

/** An event that Firsthop sends. */
export type ServerEvent<TType extends ServerEventType = ServerEventType> = {
  readonly [Type in TType]: { readonly type: Type; readonly event_id: string } & ServerEventFields[Type]
}[TType]

/** Sends the event `type` of one conversation; whoever implements it adds the id. */
export type Emit = <TType extends ServerEventType>(type: TType, fields: ServerEventFields[TType]) => void

/** Makes the event `type`, with an id of its own. */
export function serverEvent<TType extends ServerEventType>(
  type: TType,
  fields: ServerEventFields[TType],
  mintId: MintId,
): RealtimeEvent {
  return { type, event_id: mintId('event'), ...fields }
}
