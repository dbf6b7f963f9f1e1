/**
 * Conversation items: what was said, what was called, and what came of it (API reference, Realtime,
 * `conversation.item.create`).
 *
 * A draft is an item as a client may create it. Images and MCP items are left out: an item that Firsthop itself
 * keeps is text, or audio that is not kept.
 */

import * as v from 'valibot'

/** The longest text of one content part, of tool arguments and of a tool's output. */
export const MAX_ITEM_CHARACTERS = 8192

/** The most content parts of one message. */
const MAX_PARTS = 16

const text = v.pipe(v.string(), v.maxLength(MAX_ITEM_CHARACTERS))
const id = v.pipe(v.string(), v.minLength(1), v.maxLength(64))
const base = { id: v.exactOptional(id) }

const inputText = v.object({ type: v.literal('input_text'), text })
/** `transcript` is always there, if only as null: the Agents SDK throws without it. */
const inputAudio = v.object({
  type: v.literal('input_audio'),
  transcript: v.optional(v.nullable(text), null),
})
const outputText = v.object({ type: v.literal('output_text'), text })
const outputAudio = v.object({ type: v.literal('output_audio'), transcript: v.optional(text, '') })

const userMessage = v.object({
  ...base,
  type: v.literal('message'),
  role: v.literal('user'),
  content: parts(v.variant('type', [inputText, inputAudio])),
})
const assistantMessage = v.object({
  ...base,
  type: v.literal('message'),
  role: v.literal('assistant'),
  content: parts(v.variant('type', [outputText, outputAudio])),
})
const systemMessage = v.object({
  ...base,
  type: v.literal('message'),
  role: v.literal('system'),
  content: parts(inputText),
})
const functionCall = v.object({
  ...base,
  type: v.literal('function_call'),
  call_id: id,
  name: id,
  arguments: text,
})
const functionCallOutput = v.object({
  ...base,
  type: v.literal('function_call_output'),
  call_id: id,
  output: text,
})

/** An item as a client sends it. */
export const itemDraftSchema = v.variant('type', [
  v.variant('role', [userMessage, assistantMessage, systemMessage]),
  functionCall,
  functionCallOutput,
])

/** An item as a client sends it: it may lack an id. */
export type ItemDraft = v.InferOutput<typeof itemDraftSchema>

interface ItemState {
  readonly id: string
  readonly object: 'realtime.item'
  readonly status: 'in_progress' | 'completed' | 'incomplete'
}

/** What the user said or wrote. */
export type UserMessage = v.InferOutput<typeof userMessage> & ItemState

/** What the agent said or wrote. */
export type AssistantMessage = v.InferOutput<typeof assistantMessage> & ItemState

/** A tool that the agent wants called. */
export type FunctionCall = v.InferOutput<typeof functionCall> & ItemState

/** An item of a conversation. */
export type ConversationItem = ItemDraft & ItemState

/** Makes `draft` an item of a conversation; `ownId` is its id unless it brought one. */
export function itemOf(draft: ItemDraft, ownId: string): ConversationItem {
  return { ...draft, id: draft.id ?? ownId, object: 'realtime.item', status: 'completed' }
}

function parts<const TPart extends v.GenericSchema>(part: TPart) {
  return v.pipe(v.array(part), v.maxLength(MAX_PARTS), v.readonly())
}
