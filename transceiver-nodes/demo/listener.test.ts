import { openSession } from '#shared/realtime/session-config'
import type { SessionUpdate } from '#shared/realtime/session-config'
import { expect, test } from 'vitest'
import { Listener } from './listener.ts'
import { silence, speechSample } from './test-call.ts'
import type { TurnEvent } from './turn-taking.ts'

type AudioInput = NonNullable<NonNullable<SessionUpdate['audio']>['input']>
type Detection = Required<AudioInput>['turn_detection']

function listen(detection: Detection): { listener: Listener; events: TurnEvent[]; recordings: Int16Array[] } {
  const events: TurnEvent[] = []
  const recordings: Int16Array[] = []
  const listener = new Listener((event) => {
    events.push(event)
    if (event.type === 'speech-stopped') recordings.push(listener.read(event.turn))
  })
  listener.configure(
    openSession('s', { audio: { input: { turn_detection: detection } } }).audio.input.turn_detection,
  )
  return { listener, events, recordings }
}

const speech = speechSample()

test.each([1, 100, 480, 777, 100_000])('finds the same turn in pieces of %i samples', (length) => {
  const { listener, events } = listen({ type: 'server_vad' })
  for (let at = 0; at < speech.length; at += length) listener.handleAudio(speech.subarray(at, at + length))
  expect(events.map((event) => event.type)).toEqual(['speech-started', 'speech-stopped'])
  const spoken = events[1]?.type === 'speech-stopped' ? events[1].spoken : undefined
  expect(spoken?.fromMillis).toBeGreaterThanOrEqual(480)
  expect(spoken?.toMillis).toBeLessThanOrEqual(4300)
})

test('keeps the whole turn as it was heard', () => {
  const { listener, events, recordings } = listen({ type: 'server_vad' })
  listener.handleAudio(speech)
  const turn = events[1]?.type === 'speech-stopped' ? events[1].turn : { fromMillis: 0, toMillis: 0 }
  expect(recordings[0]).toEqual(speech.subarray(turn.fromMillis * 24, turn.toMillis * 24))
})

test.each([
  ['high', 400],
  ['auto', 700],
  ['medium', 700],
  ['low', 1200],
] as const)('waits with eagerness %s for %i ms of silence', (eagerness, millis) => {
  const { listener, events } = listen({ type: 'semantic_vad', eagerness })
  listener.handleAudio(speech)
  const stopped = events[1]
  if (stopped?.type !== 'speech-stopped') throw new Error('no turn')
  expect(stopped.turn.toMillis - stopped.spoken.toMillis).toBe(millis)
})

test('without turn detection, a commit takes everything since the last', () => {
  const { listener, events } = listen(null)
  listener.handleAudio(speech)
  expect(events).toEqual([])
  const first = listener.commit()
  expect(listener.read(first).length).toBe(Math.floor(speech.length / 480) * 480)
  listener.handleAudio(silence(200))
  expect(listener.commit()).toEqual({ fromMillis: first.toMillis, toMillis: first.toMillis + 200 })
})

test('goes on with a turn when only its parameters change', () => {
  const { listener, events } = listen({ type: 'server_vad' })
  listener.handleAudio(speech.subarray(0, 48_000))
  listener.configure({
    type: 'server_vad',
    threshold: 0.7,
    prefix_padding_ms: 300,
    silence_duration_ms: 900,
    idle_timeout_ms: null,
    create_response: true,
    interrupt_response: true,
  })
  listener.handleAudio(speech.subarray(48_000))
  expect(events.map((event) => event.type)).toEqual(['speech-started', 'speech-stopped'])
})

test('drops the turn in progress when turn detection is turned off', () => {
  const { listener, events } = listen({ type: 'server_vad' })
  listener.handleAudio(speech.subarray(0, 48_000))
  listener.configure(null)
  listener.handleAudio(speech.subarray(48_000))
  expect(events.map((event) => event.type)).toEqual(['speech-started'])
  expect(listener.commit().fromMillis).toBe(2000)
})
