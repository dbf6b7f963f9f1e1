import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSessionUpdate } from './client-events.ts'
import { mergeSession, openSession } from './session-config.ts'
import type { SessionUpdate } from './session-config.ts'

const session = openSession('sess_1', {})

function update(value: unknown): SessionUpdate {
  const read = readSessionUpdate(value)
  if (read.type === 'invalid_request_error') throw new Error(read.message)
  return read
}

test('opens with the defaults of the API', () => {
  expect(session.audio.input.turn_detection).toEqual({
    type: 'server_vad',
    threshold: 0.5,
    prefix_padding_ms: 300,
    silence_duration_ms: 500,
    idle_timeout_ms: null,
    create_response: true,
    interrupt_response: true,
  })
  expect(session).toMatchObject({
    type: 'realtime',
    output_modalities: ['audio'],
    tools: [],
    instructions: '',
  })
})

test('takes the model that it is opened with, and keeps it', () => {
  const opened = openSession('sess_1', { model: 'gpt-realtime' })
  expect(opened.model).toBe('gpt-realtime')
  expect(mergeSession(opened, { model: 'another' }).model).toBe('gpt-realtime')
})

test('changes what an update names and nothing else', () => {
  const spoken = mergeSession(
    session,
    update({ instructions: 'Be kind.', audio: { output: { voice: 'marin' } } }),
  )
  const traced = mergeSession(spoken, update({ type: 'realtime', tracing: 'auto' }))
  expect(traced).toEqual({
    ...session,
    instructions: 'Be kind.',
    tracing: 'auto',
    audio: { ...session.audio, output: { ...session.audio.output, voice: 'marin' } },
  })
})

test('merges turn detection of the same kind, and starts a new kind from its defaults', () => {
  const patient = mergeSession(
    session,
    update({ audio: { input: { turn_detection: { type: 'server_vad', silence_duration_ms: 900 } } } }),
  )
  const strict = mergeSession(
    patient,
    update({ audio: { input: { turn_detection: { type: 'server_vad', threshold: 0.9 } } } }),
  )
  expect(strict.audio.input.turn_detection).toMatchObject({ silence_duration_ms: 900, threshold: 0.9 })
  const semantic = mergeSession(
    strict,
    update({ audio: { input: { turn_detection: { type: 'semantic_vad' } } } }),
  )
  expect(semantic.audio.input.turn_detection).toEqual({
    type: 'semantic_vad',
    eagerness: 'auto',
    create_response: true,
    interrupt_response: true,
  })
})

test('clears with an empty text, an empty list and null', () => {
  const tool = { type: 'function', name: 'roll_dice', parameters: { type: 'object' } }
  const full = mergeSession(
    session,
    update({ instructions: 'x', tools: [tool], audio: { input: { transcription: { model: 'm' } } } }),
  )
  expect(full.tools).toEqual([tool])
  const cleared = mergeSession(
    full,
    update({ instructions: '', tools: [], audio: { input: { transcription: null, turn_detection: null } } }),
  )
  expect(cleared).toEqual({
    ...session,
    audio: { ...session.audio, input: { ...session.audio.input, turn_detection: null } },
  })
})

test('merges nothing from an empty update, and the same update only once', () => {
  const updates = fc
    .record(
      {
        instructions: fc.string(),
        max_output_tokens: fc.integer({ min: 1, max: 4096 }),
        audio: fc.record(
          {
            input: fc.record({
              turn_detection: fc.option(
                fc.record({ type: fc.constant('server_vad'), threshold: fc.double({ min: 0, max: 1 }) }),
              ),
            }),
            output: fc.record({ speed: fc.double({ min: 0.25, max: 1.5, noNaN: true }) }),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    )
    .filter((value) => readSessionUpdate(value).type !== 'invalid_request_error')
  fc.assert(
    fc.property(updates, (value) => {
      const once = mergeSession(session, update(value))
      expect(mergeSession(once, update({}))).toEqual(once)
      expect(mergeSession(once, update(value))).toEqual(once)
    }),
  )
})
