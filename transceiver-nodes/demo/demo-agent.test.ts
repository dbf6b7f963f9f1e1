import { expect, test } from 'vitest'
import type { RealtimeEvent } from '#shared/realtime/events'
import { silence, speechSample, TestCall, ToneVoice } from './test-call.ts'

const speech = speechSample()

/** What the transceiver does when the user speaks over the agent. */
function truncateOnSpeech(call: TestCall, itemId: string, audioEndMillis: number): void {
  call.onEvent = ({ type }) => {
    if (type !== 'input_audio_buffer.speech_started') return
    call.send('conversation.item.truncate', {
      item_id: itemId,
      content_index: 0,
      audio_end_ms: audioEndMillis,
    })
  }
}

function writeText(call: TestCall, text: string): void {
  call.send('conversation.item.create', {
    item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
  })
}

const SPOKEN_RESPONSE = [
  'response.created',
  'response.output_item.added',
  'conversation.item.added',
  'response.content_part.added',
]
const SPOKEN_RESPONSE_END = [
  '(audio done)',
  'response.output_audio.done',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'response.output_item.done',
  'conversation.item.done',
  'response.done',
  'rate_limits.updated',
]
const PASSAGE = ['response.output_audio_transcript.delta', '(audio)']

test('sends the events of a turn in the order of the API', async () => {
  const call = new TestCall(new ToneVoice())
  call.hear(speech)
  await call.settle()
  expect(call.typesSince(0)).toEqual([
    'session.created',
    'input_audio_buffer.speech_started',
    'input_audio_buffer.speech_stopped',
    'input_audio_buffer.committed',
    'conversation.item.added',
    'conversation.item.done',
    ...SPOKEN_RESPONSE,
    ...PASSAGE,
    ...PASSAGE,
    ...PASSAGE,
    ...SPOKEN_RESPONSE_END,
  ])
})

test('gives every event an id of its own', async () => {
  const call = new TestCall(new ToneVoice())
  call.hear(speech)
  await call.settle()
  const ids = call.events.flatMap((event) => (event.type.startsWith('(') ? [] : [event['event_id']]))
  expect(ids.every((id) => typeof id === 'string')).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
})

test('tells the times of a turn on the audio clock', () => {
  const call = new TestCall(new ToneVoice())
  call.hear(speech)
  expect(call.last('input_audio_buffer.speech_started')['audio_start_ms']).toBe(200)
  expect(call.last('input_audio_buffer.speech_stopped')['audio_end_ms']).toBe(4600)
})

test('says how long it heard the user, and plays back exactly what it heard', async () => {
  const call = new TestCall(new ToneVoice())
  call.hear(speech)
  await call.settle()
  expect(call.last('response.output_audio_transcript.done')['transcript']).toBe(
    'I heard you for 3.6 seconds. Here it is. (your voice, 3.6 seconds)',
  )
  const playback = call.audioParts.at(-1)?.samples
  expect(playback).toEqual(speech.subarray(200 * 24, 4200 * 24))
  const part = call.audioParts[0]?.part
  expect(part?.itemId).toBe(call.last('response.output_audio.done')['item_id'])
  expect(part?.responseId).toBe(call.last('response.output_audio.done')['response_id'])
})

test('says nothing while nobody speaks', () => {
  const call = new TestCall(new ToneVoice())
  call.hear(silence(60_000))
  expect(call.typesSince(0)).toEqual(['session.created'])
})

test('greets when it is asked to', async () => {
  const voice = new ToneVoice()
  const call = new TestCall(voice)
  call.send('response.create', { event_id: 'e1' })
  await call.settle()
  expect(voice.sentences[0]).toBe('Hello. I am the Firsthop demo agent.')
  expect(call.last('response.done')['response']).toMatchObject({ status: 'completed' })
})

test('opens with the configuration that came with the call', () => {
  const call = new TestCall(new ToneVoice(), { type: 'realtime', model: 'gpt-realtime', instructions: 'Hi' })
  expect(call.last('session.created')['session']).toMatchObject({
    id: 'sess_1',
    object: 'realtime.session',
    model: 'gpt-realtime',
    instructions: 'Hi',
  })
})

test('opens with its defaults, and says so, when the configuration is wrong', () => {
  const call = new TestCall(new ToneVoice(), { type: 'transcription' })
  expect(call.typesSince(0)).toEqual(['session.created', 'error'])
  expect(call.last('error')['error']).toMatchObject({ param: 'type', event_id: null })
})

test('merges session updates and shows the whole session', () => {
  const call = new TestCall(new ToneVoice())
  call.send('session.update', { session: { instructions: 'Be kind.' } })
  call.send('session.update', { session: { type: 'realtime', tracing: 'auto' } })
  expect(call.last('session.updated')['session']).toMatchObject({ instructions: 'Be kind.', tracing: 'auto' })
})

test('follows new turn detection from the next frame on', async () => {
  const call = new TestCall(new ToneVoice())
  call.send('session.update', {
    session: { audio: { input: { turn_detection: { type: 'server_vad', silence_duration_ms: 1500 } } } },
  })
  call.hear(speech)
  expect(call.last('input_audio_buffer.speech_stopped')['audio_end_ms']).toBe(5600)
})

test('makes one response at a time', async () => {
  const call = new TestCall(new ToneVoice())
  call.send('response.create')
  call.send('response.create', { event_id: 'mine' })
  expect(call.last('error')['error']).toMatchObject({
    code: 'conversation_already_has_active_response',
    event_id: 'mine',
  })
  await call.settle()
  call.send('response.create')
  await call.settle()
  expect(call.typesSince(0).filter((type) => type === 'response.done').length).toBe(2)
})

test('cancels the active response', async () => {
  const voice = new ToneVoice()
  voice.breath = 0
  const call = new TestCall(voice)
  call.send('response.create')
  const mark = call.events.length
  call.send('response.cancel')
  voice.release()
  await call.settle()
  expect(call.typesSince(mark)).toEqual(SPOKEN_RESPONSE_END)
  expect(call.last('response.done')['response']).toMatchObject({
    status: 'cancelled',
    status_details: { type: 'cancelled', reason: 'client_cancelled' },
    output: [{ status: 'incomplete' }],
  })
})

test.each([[{}], [{ response_id: 'resp_unknown' }]])('has nothing to cancel with %j', async (fields) => {
  const call = new TestCall(new ToneVoice())
  call.send('response.create')
  if (!('response_id' in fields)) await call.settle()
  call.send('response.cancel', fields)
  expect(call.last('error')['error']).toMatchObject({ code: 'response_cancel_not_active' })
})

test('stops speaking when the user speaks', async () => {
  const voice = new ToneVoice()
  voice.breath = 1
  const call = new TestCall(voice)
  call.send('response.create')
  await call.settle()
  const itemId = String(call.last('response.content_part.added')['item_id'])
  truncateOnSpeech(call, itemId, 100)
  const mark = call.events.length
  call.hear(speech.subarray(0, 24_000))
  voice.release()
  await call.settle()
  expect(call.typesSince(mark)).toEqual([
    'input_audio_buffer.speech_started',
    'conversation.item.truncated',
    ...SPOKEN_RESPONSE_END,
  ])
  expect(call.last('conversation.item.truncated')).toMatchObject({ item_id: itemId, audio_end_ms: 100 })
  expect(call.last('response.done')['response']).toMatchObject({
    status: 'cancelled',
    status_details: { reason: 'turn_detected' },
    output: [{ status: 'incomplete', content: [{ transcript: 'Hello. I am the Firsthop demo agent.' }] }],
  })
})

test('cuts what was not heard from a response that was done, but still playing', async () => {
  const call = new TestCall(new ToneVoice())
  call.send('response.create')
  await call.settle()
  const itemId = String(call.last('response.output_audio.done')['item_id'])
  truncateOnSpeech(call, itemId, 300)
  const mark = call.events.length
  call.hear(speech.subarray(0, 24_000))
  expect(call.typesSince(mark)).toEqual(['input_audio_buffer.speech_started', 'conversation.item.truncated'])
  call.send('conversation.item.retrieve', { item_id: itemId })
  expect(call.last('conversation.item.retrieved')['item']).toMatchObject({
    status: 'incomplete',
    content: [{ transcript: 'Hello. I am the Firsthop demo agent.' }],
  })
})

test('lets the agent finish when interrupt_response is false', async () => {
  const voice = new ToneVoice()
  voice.breath = 0
  const turnDetection = { type: 'server_vad', interrupt_response: false }
  const call = new TestCall(voice, { audio: { input: { turn_detection: turnDetection } } })
  call.send('response.create')
  call.hear(speech)
  expect(call.last('error')['error']).toMatchObject({ code: 'conversation_already_has_active_response' })
  voice.release()
  await call.settle()
  expect(call.last('response.done')['response']).toMatchObject({ status: 'completed' })
})

test('waits to be asked when create_response is false', async () => {
  const turnDetection = { type: 'server_vad', create_response: false }
  const call = new TestCall(new ToneVoice(), { audio: { input: { turn_detection: turnDetection } } })
  call.hear(speech)
  expect(call.typesSince(0)).not.toContain('response.created')
  call.send('response.create')
  await call.settle()
  expect(call.last('response.output_audio_transcript.done')['transcript']).toMatch(/^I heard you for 3\.6/u)
})

test('takes appended audio, and turns that the client ends', async () => {
  const call = new TestCall(new ToneVoice(), { audio: { input: { turn_detection: null } } })
  call.send('input_audio_buffer.commit')
  expect(call.last('error')['error']).toMatchObject({ code: 'input_audio_buffer_commit_empty' })
  call.hear(silence(400))
  call.send('input_audio_buffer.clear')
  const audio = Buffer.from(speech.buffer, 0, 48_000).toString('base64')
  call.send('input_audio_buffer.append', { audio })
  call.send('input_audio_buffer.commit')
  call.send('response.create')
  await call.settle()
  expect(call.last('response.output_audio_transcript.done')['transcript']).toMatch(/^I heard you for 1\.0/u)
  expect(call.audioParts.at(-1)?.samples).toEqual(speech.subarray(0, 24_000))
})

test('refuses appended audio that is not what the session says', () => {
  const call = new TestCall(new ToneVoice(), { audio: { input: { format: { type: 'audio/pcmu' } } } })
  call.send('input_audio_buffer.append', { audio: 'AAAA' })
  expect(call.last('error')['error']).toMatchObject({ code: 'invalid_value', param: 'audio' })
})

test('reads out what the user writes', async () => {
  const call = new TestCall(new ToneVoice())
  writeText(call, 'The sky is blue.')
  call.send('response.create')
  await call.settle()
  expect(call.last('response.output_audio_transcript.done')['transcript']).toBe('You wrote: The sky is blue.')
})

test('writes when it is asked for text', async () => {
  const voice = new ToneVoice()
  const call = new TestCall(voice)
  writeText(call, 'The sky is blue.')
  const mark = call.events.length
  call.send('response.create', { response: { output_modalities: ['text'] } })
  await call.settle()
  expect(call.typesSince(mark)).toEqual([
    ...SPOKEN_RESPONSE,
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'conversation.item.done',
    'response.done',
    'rate_limits.updated',
  ])
  expect(voice.sentences).toEqual([])
  expect(call.last('response.output_item.done')['item']).toMatchObject({
    content: [{ type: 'output_text', text: 'You wrote: The sky is blue.' }],
  })
})

test('speaks input from outside the conversation, and leaves no trace of it', async () => {
  const call = new TestCall(new ToneVoice())
  const input = [
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Read this aloud.' }] },
  ]
  call.send('response.create', { response: { conversation: 'none', input, metadata: { topic: 'news' } } })
  await call.settle()
  expect(call.last('response.done')['response']).toMatchObject({
    conversation_id: null,
    metadata: { topic: 'news' },
    output: [{ content: [{ transcript: 'Read this aloud.' }] }],
  })
  expect(call.typesSince(0).filter((type) => type.startsWith('conversation.'))).toEqual([])
})

test('calls a tool, and speaks its result', async () => {
  const call = new TestCall(new ToneVoice(), { tools: [{ type: 'function', name: 'roll_dice' }] })
  writeText(call, 'Please roll_dice {"sides":6}')
  const mark = call.events.length
  call.send('response.create')
  expect(call.typesSince(mark)).toEqual([
    'response.created',
    'response.output_item.added',
    'conversation.item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
    'conversation.item.done',
    'response.done',
    'rate_limits.updated',
  ])
  const called = call.last('response.output_item.done')['item'] as Record<string, unknown>
  expect(called).toMatchObject({ type: 'function_call', name: 'roll_dice', arguments: '{"sides":6}' })
  call.send('conversation.item.create', {
    item: { type: 'function_call_output', call_id: called['call_id'], output: 'Four.' },
  })
  call.send('response.create')
  await call.settle()
  expect(call.last('response.output_audio_transcript.done')['transcript']).toBe('The tool says: Four.')
})

test('says that it does not transcribe, when it is asked to', () => {
  const call = new TestCall(new ToneVoice(), { audio: { input: { transcription: { model: 'any' } } } })
  call.hear(speech)
  const completed = call.last('conversation.item.input_audio_transcription.completed')
  expect(completed).toMatchObject({
    transcript: '(the demo agent does not transcribe; it heard 3.6 seconds)',
    usage: { type: 'duration', seconds: 3.6 },
  })
  call.send('conversation.item.retrieve', { item_id: completed['item_id'] })
  expect(call.last('conversation.item.retrieved')['item']).toMatchObject({
    content: [{ type: 'input_audio', transcript: completed['transcript'] }],
  })
})

test('asks after a user who stays silent after its reply', async () => {
  const turnDetection = { type: 'server_vad', idle_timeout_ms: 5000 }
  const call = new TestCall(new ToneVoice(), { audio: { input: { turn_detection: turnDetection } } })
  call.send('response.create')
  await call.settle()
  const replyMillis = call.audioParts.reduce((sum, { samples }) => sum + samples.length / 24, 0)
  const mark = call.events.length
  call.hear(silence(4900 + replyMillis))
  expect(call.typesSince(mark)).toEqual([])
  call.hear(silence(200))
  await call.settle()
  expect(call.typesSince(mark).slice(0, 4)).toEqual([
    'input_audio_buffer.timeout_triggered',
    'input_audio_buffer.committed',
    'conversation.item.added',
    'conversation.item.done',
  ])
  expect(call.last('response.output_audio_transcript.done')['transcript']).toBe('Are you still there?')
})

test('fails a response that it cannot speak, and stays up', async () => {
  const voice = new ToneVoice()
  voice.isBroken = true
  const call = new TestCall(voice)
  call.send('response.create')
  await call.settle()
  expect(call.last('response.done')['response']).toMatchObject({
    status: 'failed',
    status_details: { type: 'failed', error: { code: 'voice-lost' } },
  })
  voice.isBroken = false
  call.send('response.create')
  await call.settle()
  expect(call.last('response.done')['response']).toMatchObject({ status: 'completed' })
})

test.each<[RealtimeEvent, string]>([
  [{ type: 'session.fly', event_id: 'mine' }, 'invalid_value'],
  [{ type: 'session.update', event_id: 'mine' }, 'missing_required_parameter'],
  [{ type: 'conversation.item.retrieve', event_id: 'mine', item_id: 'item_x' }, 'item_not_found'],
])('answers %j with an error that names it, and stays up', (event, code) => {
  const call = new TestCall(new ToneVoice())
  call.agent.handleEvent(event)
  expect(call.last('error')['error']).toMatchObject({ type: 'invalid_request_error', code, event_id: 'mine' })
  call.send('session.update', { session: {} })
  expect(call.last('session.updated')).toBeDefined()
})

test('leaves clearing the output to the transceiver', () => {
  const call = new TestCall(new ToneVoice())
  call.send('output_audio_buffer.clear')
  expect(call.typesSince(0)).toEqual(['session.created'])
})

test('sends nothing after it is closed', async () => {
  const voice = new ToneVoice()
  voice.breath = 0
  const call = new TestCall(voice)
  call.send('response.create')
  const mark = call.events.length
  call.agent.close()
  voice.release()
  await call.settle()
  expect(call.typesSince(mark)).toEqual([])
})
