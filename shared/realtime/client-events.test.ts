import * as fc from 'fast-check'
import type { RealtimeClientEvent } from 'openai/resources/realtime/realtime'
import { expect, test } from 'vitest'
import { readClientEvent } from './client-events.ts'
import type { RealtimeEvent } from './events.ts'

/** One of each client event, as the `openai` package types them. */
const CLIENT_EVENTS = [
  { type: 'session.update', event_id: 'e1', session: { type: 'realtime', tracing: 'auto' } },
  { type: 'input_audio_buffer.append', audio: 'AAAA' },
  { type: 'input_audio_buffer.commit' },
  { type: 'input_audio_buffer.clear' },
  { type: 'output_audio_buffer.clear' },
  {
    type: 'conversation.item.create',
    previous_item_id: 'root',
    item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
  },
  {
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id: 'call_1', output: '{"sides":6}' },
  },
  { type: 'conversation.item.retrieve', item_id: 'item_1' },
  { type: 'conversation.item.truncate', item_id: 'item_1', content_index: 0, audio_end_ms: 1200 },
  { type: 'conversation.item.delete', item_id: 'item_1' },
  { type: 'response.create' },
  {
    type: 'response.create',
    response: { conversation: 'none', output_modalities: ['text'], metadata: { a: 'b' } },
  },
  { type: 'response.cancel', response_id: 'resp_1' },
] satisfies RealtimeClientEvent[]

test.each(CLIENT_EVENTS)('reads $type', (event) => {
  expect(readClientEvent(event as RealtimeEvent)).toMatchObject(event)
})

test('gives input audio the transcript that the Agents SDK insists on', () => {
  const item = { type: 'message', role: 'user', content: [{ type: 'input_audio', audio: 'AAAA' }] }
  expect(readClientEvent({ type: 'conversation.item.create', item })).toEqual({
    type: 'conversation.item.create',
    item: { type: 'message', role: 'user', content: [{ type: 'input_audio', transcript: null }] },
  })
})

test('drops fields that it does not know', () => {
  expect(
    readClientEvent({ type: 'session.update', session: { reasoning: { effort: 'low' }, new: 1 } }),
  ).toEqual({
    type: 'session.update',
    session: {},
  })
})

test.each([
  [{ type: 'session.fly' }, 'invalid_value', 'type'],
  [{ type: 'session.update' }, 'missing_required_parameter', 'session'],
  [{ type: 'session.update', session: { type: 'transcription' } }, 'invalid_value', 'session.type'],
  [
    {
      type: 'session.update',
      session: { audio: { input: { turn_detection: { type: 'server_vad', threshold: 2 } } } },
    },
    'invalid_value',
    'session.audio.input.turn_detection.threshold',
  ],
  [{ type: 'conversation.item.retrieve' }, 'missing_required_parameter', 'item_id'],
  [{ type: 'conversation.item.create', item: { type: 'mcp_call' } }, 'invalid_value', 'item.type'],
  [{ type: 'input_audio_buffer.append', audio: '€' }, 'invalid_value', 'audio'],
  [
    { type: 'response.create', response: { conversation: 'other' } },
    'invalid_value',
    'response.conversation',
  ],
])('says what is wrong with %j', (event, code, param) => {
  expect(readClientEvent(event)).toMatchObject({ type: 'invalid_request_error', code, param })
})

test('quotes no more of a wrong value than fits in an error', () => {
  const error = readClientEvent({ type: 'x'.repeat(100_000) })
  expect(JSON.stringify(error).length).toBeLessThan(1000)
})

test('never throws, whatever the fields', () => {
  const types = fc.constantFrom(...CLIENT_EVENTS.map((event) => event.type))
  fc.assert(
    fc.property(types, fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (type, fields, value) => {
      readClientEvent({ ...fields, type, session: value, item: value, response: value })
    }),
  )
})
