import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { audioFormatOf, keepFormat, openingSession } from './session-audio.ts'

const PCM = audioFormatOf('opus', false)
const PCMU = audioFormatOf('pcmu', false)

test('takes PCM for an Opus client, its own codec for G.711, and none when Opus goes in binary messages', () => {
  expect(PCM).toEqual({ type: 'audio/pcm', rate: 24_000 })
  expect([PCMU, audioFormatOf('pcma', false)]).toEqual([{ type: 'audio/pcmu' }, { type: 'audio/pcma' }])
  expect(audioFormatOf('opus', true)).toBeUndefined()
})

test('begins with what the call was placed with, in our format and without the model', () => {
  const session = {
    type: 'realtime',
    model: 'some-model',
    instructions: 'Be brief.',
    audio: {
      input: { format: { type: 'audio/pcm', rate: 24_000 }, noise_reduction: null },
      output: { voice: 'x' },
    },
  }
  expect(openingSession(session, PCMU)).toEqual({
    type: 'realtime',
    instructions: 'Be brief.',
    audio: {
      input: { format: { type: 'audio/pcmu' }, noise_reduction: null },
      output: { voice: 'x', format: { type: 'audio/pcmu' } },
    },
  })
  expect(openingSession(undefined, PCM)).toEqual({
    type: 'realtime',
    audio: { input: { format: PCM }, output: { format: PCM } },
  })
  expect(openingSession({ type: 'transcription' }, PCM)).toEqual({
    type: 'transcription',
    audio: { input: { format: PCM } },
  })
})

test('names no format where audio is in binary messages', () => {
  const session = { audio: { input: { format: PCM } } }
  expect(JSON.parse(JSON.stringify(openingSession(session, undefined)))).toEqual({
    type: 'realtime',
    audio: { input: {}, output: {} },
  })
})

test.each([
  ['session.update', 'session'],
  ['response.create', 'response'],
])('replaces a format in %s, and nothing else', (type, field) => {
  const audio = { input: { format: PCM, a: 1 }, output: { format: PCM, b: [2] }, other: 3 }
  expect(keepFormat({ type, event_id: 'e', [field]: { tools: [], audio } }, PCMU)).toEqual({
    type,
    event_id: 'e',
    [field]: {
      tools: [],
      audio: { input: { format: PCMU, a: 1 }, output: { format: PCMU, b: [2] }, other: 3 },
    },
  })
})

test('returns the event itself when the format is ours already or not spoken of', () => {
  const spoken = {
    type: 'session.update',
    session: { audio: { input: { format: { type: 'audio/pcm', rate: 24_000 } } } },
  }
  const silent = { type: 'session.update', session: { audio: { input: { turn_detection: null } } } }
  const other = { type: 'conversation.item.create', session: { audio: { input: { format: 'x' } } } }
  for (const event of [spoken, silent, other]) expect(keepFormat(event, PCM)).toBe(event)
})

test('throws at no event, and never lets another format through', () => {
  const event = fc.record({
    type: fc.constantFrom('session.update', 'response.create'),
    session: fc.oneof(
      fc.jsonValue(),
      fc.record({ audio: fc.record({ input: fc.record({ format: fc.jsonValue() }) }) }),
    ),
  })
  fc.assert(
    fc.property(event, (value) => {
      const kept = keepFormat(value, PCMU) as {
        session?: { audio?: { input?: { format?: { type?: unknown } } } }
      }
      if (value.type !== 'session.update') return
      const format = kept.session?.audio?.input?.format
      expect(format === undefined || format?.type === 'audio/pcmu').toBe(true)
    }),
  )
})
