import { expect, test } from 'vitest'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { AudioPart } from '../backends/backend.ts'
import { Conversation } from './conversation.ts'
import { Playout } from './media/playout.ts'

const PART: AudioPart = { responseId: 'resp_1', itemId: 'item_1', contentIndex: 0 }
const SPEECH_STARTED = { type: 'input_audio_buffer.speech_started', event_id: 'e' }

/** A conversation whose events are recorded in the order in which they leave. */
function recordedConversation() {
  const playout = new Playout()
  const events: (RealtimeEvent & { to: 'client' | 'backend' })[] = []
  const conversation = new Conversation(playout, {
    toClient: (event) => events.push({ ...event, to: 'client' }),
    toBackend: (event) => events.push({ ...event, to: 'backend' }),
    describePath: () => ({ relay: { id: 'relay-1' } }),
    eventId: () => 'event_x',
  })
  const frame = new Int16Array(480)
  const play = (frames: number) => {
    for (let i = 0; i < frames; i++) playout.pull(frame)
    conversation.reportPlayout()
  }
  return { conversation, events, play }
}

function sessionUpdated(turnDetection: unknown): RealtimeEvent {
  return { type: 'session.updated', session: { audio: { input: { turn_detection: turnDetection } } } }
}

test('passes events that it does not own through untouched, both ways', () => {
  const { conversation, events } = recordedConversation()
  const fromClient = { type: 'response.create', event_id: 'mine', response: { instructions: 'x' } }
  const fromBackend = { type: 'a.type.of.tomorrow', event_id: 'theirs', nested: [1, { two: 2 }] }
  conversation.handleClientEvent(fromClient)
  conversation.handleBackendEvent(fromBackend)
  expect(events).toEqual([
    { ...fromClient, to: 'backend' },
    { ...fromBackend, to: 'client' },
  ])
})

test('says when output audio begins and ends', () => {
  const { conversation, events, play } = recordedConversation()
  conversation.handleAudio(PART, new Int16Array(960))
  conversation.handleAudioDone(PART)
  play(3)
  conversation.handleBackendEvent({ type: 'response.done', response: { id: 'resp_1' } })
  play(1)
  expect(events.map(({ type, response_id: id }) => [type, id])).toEqual([
    ['output_audio_buffer.started', 'resp_1'],
    ['response.done', undefined],
    ['output_audio_buffer.stopped', 'resp_1'],
  ])
})

test('empties the queue when the user interrupts, and tells the backend how much was heard', () => {
  const { conversation, events, play } = recordedConversation()
  conversation.handleAudio(PART, new Int16Array(24_000))
  play(10)
  events.length = 0
  conversation.handleBackendEvent(SPEECH_STARTED)
  expect(events).toMatchObject([
    { to: 'client', type: 'input_audio_buffer.speech_started' },
    { to: 'client', type: 'output_audio_buffer.cleared', response_id: 'resp_1' },
    {
      to: 'backend',
      type: 'conversation.item.truncate',
      item_id: 'item_1',
      content_index: 0,
      audio_end_ms: 200,
    },
  ])
})

test('truncates to nothing what was queued behind the item that was heard', () => {
  const { conversation, events, play } = recordedConversation()
  conversation.handleAudio(PART, new Int16Array(4_800))
  conversation.handleAudio({ ...PART, itemId: 'item_2' }, new Int16Array(4_800))
  play(2)
  conversation.handleClientEvent({ type: 'output_audio_buffer.clear' })
  const truncations = events.filter(({ type }) => type === 'conversation.item.truncate')
  expect(truncations.map((event) => [event['item_id'], event['audio_end_ms']])).toEqual([
    ['item_1', 40],
    ['item_2', 0],
  ])
})

test('says nothing of clearing when nothing was playing', () => {
  const { conversation, events } = recordedConversation()
  conversation.handleBackendEvent(SPEECH_STARTED)
  expect(events).toHaveLength(1)
})

test('drops what still comes of an interrupted response, and plays the next one', () => {
  const { conversation, events, play } = recordedConversation()
  conversation.handleAudio(PART, new Int16Array(24_000))
  play(5)
  conversation.handleClientEvent({ type: 'output_audio_buffer.clear' })
  events.length = 0
  conversation.handleAudio(PART, new Int16Array(24_000))
  play(5)
  expect(events).toEqual([])
  conversation.handleAudio({ ...PART, responseId: 'resp_2', itemId: 'item_2' }, new Int16Array(960))
  play(1)
  expect(events).toMatchObject([{ type: 'output_audio_buffer.started', response_id: 'resp_2' }])
})

test.each([
  ['turn detection is off', null],
  ['interruptions are off', { type: 'server_vad', interrupt_response: false }],
])('lets the agent speak on while the user does when %s', (_, turnDetection) => {
  const { conversation, events, play } = recordedConversation()
  conversation.handleBackendEvent(sessionUpdated(turnDetection))
  conversation.handleAudio(PART, new Int16Array(24_000))
  play(5)
  events.length = 0
  conversation.handleBackendEvent(SPEECH_STARTED)
  expect(events).toMatchObject([{ type: 'input_audio_buffer.speech_started' }])
})

test('answers firsthop.path.retrieve itself', () => {
  const { conversation, events } = recordedConversation()
  conversation.handleClientEvent({ type: 'firsthop.path.retrieve' })
  expect(events).toEqual([
    { to: 'client', type: 'firsthop.path', event_id: 'event_x', relay: { id: 'relay-1' } },
  ])
})

test('says once per response that its audio is too long to be queued', () => {
  const { conversation, events } = recordedConversation()
  const tenSeconds = new Int16Array(240_000)
  for (let i = 0; i < 40; i++) conversation.handleAudio(PART, tenSeconds)
  expect(events).toMatchObject([{ type: 'error', error: { code: 'output_audio_backlog_full' } }])
})

test('tells the backend how much of an answer in packets was heard', () => {
  const { conversation, events, play } = recordedConversation()
  for (let i = 0; i < 50; i++) conversation.handlePacket(PART, new Uint8Array(80))
  play(3)
  conversation.handleBackendEvent(SPEECH_STARTED)
  expect(events.at(-1)).toMatchObject({ to: 'backend', type: 'conversation.item.truncate', audio_end_ms: 60 })
})

test('says once per response that its audio is not what was agreed', () => {
  const { conversation, events } = recordedConversation()
  conversation.handlePacket(PART, new Uint8Array(80))
  for (let i = 0; i < 5; i++) conversation.handleAudio(PART, new Int16Array(480))
  expect(events).toMatchObject([{ type: 'error', error: { code: 'output_audio_malformed' } }])
})
