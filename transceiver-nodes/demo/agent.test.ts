import { afterAll, expect, test, vi } from 'vitest'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { AudioPart } from '../backends/backend.ts'
import { createDemoBackend } from './agent.ts'
import { speechSample } from './test-call.ts'

// The synthesiser shares the machine with every other test.
vi.setConfig({ testTimeout: 20_000 })

const backend = createDemoBackend()
afterAll(() => backend.close())

const rms = (samples: Int16Array) =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)

test('hears a user and answers in its own voice, with what it heard', async () => {
  const events: RealtimeEvent[] = []
  const audio: { part: AudioPart; samples: Int16Array }[] = []
  const speech = speechSample()
  await new Promise<void>((resolve, reject) => {
    const session = backend.open(
      { callId: 'rtc_test', session: undefined, codec: 'opus' },
      {
        event: (event) => {
          events.push(event)
          if (event.type === 'response.done') resolve()
        },
        audio: (part, samples) => audio.push({ part, samples }),
        packet: () => {},
        drop: reject,
        audioDone: () => {},
        end: reject,
      },
    )
    for (let at = 0; at < speech.length; at += 480) session.handleAudio(speech.subarray(at, at + 480))
  })

  expect(events.at(0)?.type).toBe('session.created')
  expect(events.findLast((event) => event.type === 'response.done')?.['response']).toMatchObject({
    status: 'completed',
  })
  expect(events[0]?.['event_id']).toMatch(/^event_[0-9a-f]{24}$/u)
  expect(audio.length).toBe(3)
  for (const { samples } of audio) expect(rms(samples)).toBeGreaterThan(1000)
  const seconds = audio.reduce((sum, { samples }) => sum + samples.length / 24_000, 0)
  expect(seconds).toBeGreaterThan(6)
  expect(seconds).toBeLessThan(9)
})

test('keeps calls apart', () => {
  const created: unknown[] = []
  const ignore = () => {}
  const output = { audio: ignore, packet: ignore, audioDone: ignore, drop: ignore, end: ignore }
  const sessions = ['one', 'two'].map((name) =>
    backend.open(
      { callId: `rtc_${name}`, session: { instructions: name }, codec: 'opus' },
      { ...output, event: (event: RealtimeEvent) => created.push(event['session']) },
    ),
  )
  sessions.forEach((session) => session.handleEvent({ type: 'session.update', session: { tracing: 'auto' } }))
  sessions.forEach((session) => session.close())
  expect(created).toMatchObject([
    { instructions: 'one', tracing: null },
    { instructions: 'two', tracing: null },
    { instructions: 'one', tracing: 'auto' },
    { instructions: 'two', tracing: 'auto' },
  ])
})
