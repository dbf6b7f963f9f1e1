import { expect, test } from 'vitest'
import { Conversation } from './conversation.js'

function conversationOf(...events: Record<string, unknown>[]) {
  const conversation = new Conversation()
  for (const event of events) conversation.handleEvent('received', event)
  return conversation
}

const DELTA = { type: 'response.output_audio_transcript.delta', response_id: 'resp_1', item_id: 'item_1' }

test('gathers the words of the agent and closes the turn with the response', () => {
  const { turns } = conversationOf(
    { ...DELTA, delta: 'Hello ' },
    { ...DELTA, delta: 'there.' },
    { type: 'response.done', response: { id: 'resp_1', status: 'completed' } },
  )
  expect(turns).toEqual([{ id: 'item_1', speaker: 'agent', text: 'Hello there.', status: 'done' }])
})

test('marks a turn that you broke into', () => {
  const { turns } = conversationOf(
    { ...DELTA, delta: 'Hello ' },
    { type: 'response.done', response: { id: 'resp_1', status: 'cancelled' } },
  )
  expect(turns[0]?.status).toBe('interrupted')
})

test('marks a turn that was cut after its response was done', () => {
  const { turns } = conversationOf(
    { ...DELTA, delta: 'Hello ' },
    { type: 'response.done', response: { id: 'resp_1', status: 'completed' } },
    { type: 'conversation.item.truncated', item_id: 'item_1', audio_end_ms: 200 },
  )
  expect(turns[0]?.status).toBe('interrupted')
})

test('measures a turn of yours while nobody transcribes it', () => {
  const { turns } = conversationOf(
    { type: 'input_audio_buffer.speech_started', item_id: 'item_2', audio_start_ms: 1200 },
    { type: 'input_audio_buffer.speech_stopped', item_id: 'item_2', audio_end_ms: 3600 },
  )
  expect(turns[0]).toMatchObject({ speaker: 'you', text: '', status: 'done', spokenMillis: 2400 })
})

test('fills in the transcript of a turn of yours, however late', () => {
  const { turns } = conversationOf(
    { type: 'input_audio_buffer.speech_started', item_id: 'item_2', audio_start_ms: 0 },
    { ...DELTA, delta: 'Yes.' },
    {
      type: 'conversation.item.input_audio_transcription.completed',
      item_id: 'item_2',
      transcript: 'Are you there?',
    },
  )
  expect(turns.map((turn) => turn.text)).toEqual(['Are you there?', 'Yes.'])
})

test('shows what you typed as a turn of yours', () => {
  const conversation = new Conversation()
  const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }
  expect(
    conversation.handleEvent('sent', { type: 'conversation.item.create', event_id: 'page_1', item }),
  ).toBe(true)
  expect(conversation.turns).toEqual([{ id: 'page_1', speaker: 'you', text: 'Hi', status: 'done' }])
})

test('says that nothing changed for events that are not speech', () => {
  const conversation = new Conversation()
  expect(conversation.handleEvent('received', { type: 'rate_limits.updated' })).toBe(false)
  expect(conversation.handleEvent('received', { type: 'response.done' })).toBe(false)
  expect(conversation.handleEvent('sent', { type: 'response.create' })).toBe(false)
  expect(conversation.turns).toEqual([])
})

test('keeps a bounded number of turns', () => {
  const { turns } = conversationOf(
    ...Array.from({ length: 300 }, (_, at) => ({ ...DELTA, item_id: `item_${at}`, delta: 'x' })),
  )
  expect(turns).toHaveLength(200)
  expect(turns.at(-1)?.id).toBe('item_299')
})
