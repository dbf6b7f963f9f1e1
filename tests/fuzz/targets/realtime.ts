/** Realtime events of a client, and session configurations (`shared/realtime`). */

import { fromUtf8, utf8 } from '#shared/bytes'
import { readClientEvent, readSessionUpdate } from '#shared/realtime/client-events'
import { parseClientEvent } from '#shared/realtime/events'
import { itemOf } from '#shared/realtime/items'
import { mergeSession, openSession } from '#shared/realtime/session-config'
import type { SessionUpdate } from '#shared/realtime/session-config'
import { mustLeavePrototypeAlone, mutateJson } from '../mutate-json.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const realtime: FuzzTarget = {
  name: 'realtime',
  maxBytes: 66_000,
  seeds: () => EVENTS.map((event) => utf8(JSON.stringify(event))),
  words: ['[', ']', '{', '}', '"', '\\', '\\u0000', '"type":', 'null', '1e999'],
  repair: mutateJson,
  run(input) {
    const event = parseClientEvent(fromUtf8(input) ?? '')
    if (typeof event === 'string') return event
    const read = readClientEvent(event)
    JSON.stringify(read)
    mustUpdate(event['session'])
    mustLeavePrototypeAlone()
    if (read.type === 'invalid_request_error') {
      mustHold(read.message.length <= 500, 'an error that is too long')
      return read.code
    }
    if (read.type === 'conversation.item.create') itemOf(read.item, 'item_1')
    return read.type
  },
}

/** Any JSON is a configuration or an error, and an update that is made twice changes nothing the second time. */
function mustUpdate(session: unknown): void {
  const update = readSessionUpdate(session)
  JSON.stringify(update)
  if (update.type === 'invalid_request_error') return
  const opened = openSession('sess_1', update as SessionUpdate)
  mustEqual(mergeSession(opened, update as SessionUpdate), opened, 'an update made twice')
}

const EVENTS = [
  {
    type: 'session.update',
    event_id: 'e',
    session: {
      type: 'realtime',
      instructions: 'i',
      output_modalities: ['audio'],
      max_output_tokens: 4_096,
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }],
      tool_choice: { type: 'function', name: 'f' },
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          turn_detection: { type: 'server_vad', threshold: 0.5, idle_timeout_ms: null },
          transcription: { model: 'm' },
          noise_reduction: null,
        },
        output: { voice: { id: 'v' }, speed: 1.5 },
      },
    },
  },
  { type: 'session.update', session: { audio: { input: { turn_detection: { type: 'semantic_vad' } } } } },
  { type: 'input_audio_buffer.append', audio: 'AAAA' },
  { type: 'input_audio_buffer.commit' },
  { type: 'input_audio_buffer.clear' },
  { type: 'output_audio_buffer.clear' },
  {
    type: 'conversation.item.create',
    previous_item_id: null,
    item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 't' }] },
  },
  {
    type: 'conversation.item.create',
    item: { type: 'function_call_output', id: 'i', call_id: 'c', output: 'o' },
  },
  { type: 'conversation.item.retrieve', item_id: 'i' },
  { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 1 },
  { type: 'conversation.item.delete', item_id: 'i' },
  { type: 'response.create', response: { conversation: 'none', input: [], metadata: { a: 'b' } } },
  { type: 'response.cancel', response_id: 'r' },
]
