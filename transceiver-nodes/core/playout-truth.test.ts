/**
 * What the client is told of output audio, held against what it was sent, on a virtual clock: docs/backends.md, "What
 * is said of playout". The samples themselves say which response they belong to, so the ledger needs no bookkeeping
 * of the code under test.
 */

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { AudioPart } from '../backends/backend.ts'
import { Conversation } from './conversation.ts'
import { Playout } from './media/playout.ts'

const FRAME_MILLIS = 20
const SAMPLES_PER_MILLI = 24

/** A call: a backend's script on one side, a ledger of what left on the other, 20 ms ticks in between. */
class VirtualCall {
  readonly told: { readonly at: number; readonly event: RealtimeEvent }[] = []
  readonly truncations: { readonly at: number; readonly part: number; readonly millis: number }[] = []
  /** Samples of each part that were said and that were sent, and the frames of each response in which they were. */
  readonly saidSamples = new Map<number, number>()
  readonly sentSamples = new Map<number, number>()
  readonly sentAt = new Map<number, number[]>()
  readonly responseByPart = new Map<number, number>()
  now = 0
  /** Of the whole call, so that a sample can name it. */
  #part = 1
  readonly #playout = new Playout()
  readonly #frame = new Int16Array(FRAME_MILLIS * SAMPLES_PER_MILLI)
  readonly #conversation = new Conversation(this.#playout, {
    toClient: (event) => this.told.push({ at: this.now, event }),
    toBackend: (event) => {
      const { content_index: part, audio_end_ms: millis } = event as unknown as Truncation
      this.truncations.push({ at: this.now, part, millis })
    },
    describePath: () => ({}),
    eventId: () => 'e',
  })

  say(response: number, samples: number): void {
    this.saidSamples.set(this.#part, (this.saidSamples.get(this.#part) ?? 0) + samples)
    this.responseByPart.set(this.#part, response)
    this.#conversation.handleAudio(partOf(response, this.#part), new Int16Array(samples).fill(this.#part))
  }

  /** Ends the part that is being said; the response goes on. */
  endPart(response: number): void {
    this.#conversation.handleAudioDone(partOf(response, this.#part++))
  }

  finish(response: number): void {
    this.endPart(response)
    this.#conversation.handleBackendEvent({ type: 'response.done', response: { id: `resp_${response}` } })
  }

  interrupt(isByVoice: boolean): void {
    if (isByVoice) this.#conversation.handleBackendEvent({ type: 'input_audio_buffer.speech_started' })
    else this.#conversation.handleClientEvent({ type: 'output_audio_buffer.clear' })
  }

  tick(frames: number): void {
    for (let i = 0; i < frames; i++) {
      this.now += FRAME_MILLIS
      if (this.#playout.pull(this.#frame) === 'audio') this.#note()
      this.#conversation.reportPlayout()
    }
  }

  #note(): void {
    const part = this.#frame[0] ?? 0
    const samples = this.#frame.filter((sample) => sample === part).length
    const response = this.responseByPart.get(part) ?? 0
    this.sentSamples.set(part, (this.sentSamples.get(part) ?? 0) + samples)
    this.sentAt.set(response, [...(this.sentAt.get(response) ?? []), this.now])
  }

  /** The types told of one response's playout, with their moments. */
  story(response: number): { readonly type: string; readonly at: number }[] {
    return this.told
      .filter(({ event }) => event['response_id'] === `resp_${response}`)
      .map(({ event, at }) => ({ type: event.type.replace('output_audio_buffer.', ''), at }))
  }
}

interface Truncation {
  readonly content_index: number
  readonly audio_end_ms: number
}

function partOf(response: number, part: number): AudioPart {
  return { responseId: `resp_${response}`, itemId: `item_${response}`, contentIndex: part }
}

test('an answer that comes faster than real time is told of for exactly as long as it is sent', () => {
  const call = new VirtualCall()
  call.say(1, 1_000 * SAMPLES_PER_MILLI)
  call.finish(1)
  call.tick(60)
  expect(call.story(1)).toEqual([
    { type: 'started', at: 20 },
    { type: 'stopped', at: 1_020 },
  ])
})

test('an answer that comes slower than real time does not stop in its gaps, nor before response.done', () => {
  const call = new VirtualCall()
  for (let i = 0; i < 10; i++) {
    call.say(1, 40 * SAMPLES_PER_MILLI)
    call.tick(2)
    if (i % 2 === 0) call.endPart(1)
    call.tick(3)
  }
  call.finish(1)
  call.tick(1)
  expect(call.story(1)).toEqual([
    { type: 'started', at: 20 },
    { type: 'stopped', at: 1_020 },
  ])
})

test('an interruption takes effect within one frame and names the milliseconds that were sent', () => {
  const call = new VirtualCall()
  call.say(1, 5_000 * SAMPLES_PER_MILLI)
  call.tick(37)
  call.interrupt(true)
  expect(call.truncations).toEqual([{ at: 740, part: 1, millis: 740 }])
  call.say(1, 480)
  call.tick(10)
  expect(call.sentAt.get(1)?.at(-1)).toBe(740)
  expect(call.story(1).at(-1)).toEqual({ type: 'cleared', at: 740 })
})

test('whatever a backend, a user and a client do, what is told is what was sent', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('say'), samples: fc.integer({ min: 1, max: 4_000 }) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('tick'), frames: fc.integer({ min: 1, max: 12 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('end-part', 'finish') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('interrupt'), isByVoice: fc.boolean() }) },
  ) as fc.Arbitrary<Step>
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const call = new VirtualCall()
      let response = 1
      for (const { kind, samples = 0, frames = 0, isByVoice = false } of steps) {
        if (kind === 'say') call.say(response, samples)
        if (kind === 'tick') call.tick(frames)
        if (kind === 'end-part') call.endPart(response)
        if (kind === 'finish') call.finish(response++)
        if (kind === 'interrupt') call.interrupt(isByVoice)
      }
      call.finish(response)
      call.tick(2_000)
      for (let each = 1; each <= response; each++) mustBeTrue(call, each)
    }),
    { numRuns: 300 },
  )
})

interface Step {
  readonly kind: 'say' | 'tick' | 'end-part' | 'finish' | 'interrupt'
  readonly samples?: number
  readonly frames?: number
  readonly isByVoice?: boolean
}

function mustBeTrue(call: VirtualCall, response: number): void {
  const story = call.story(response)
  const sentAt = call.sentAt.get(response) ?? []
  const parts = [...call.responseByPart].filter(([, of]) => of === response).map(([part]) => part)
  const types = story.map(({ type }) => type).join(' ')
  expect(['', 'started stopped', 'started cleared', 'cleared']).toContain(types)
  // It starts with the first frame that is sent, and nothing is sent after its end.
  if (types.startsWith('started')) expect(story[0]?.at).toBe(sentAt[0])
  expect(sentAt.every((at) => at <= (story.at(-1)?.at ?? 0))).toBe(true)
  // It stops when all that was said has been sent, after its response.done.
  if (types === 'started stopped') {
    for (const part of parts) expect(call.sentSamples.get(part)).toBe(call.saidSamples.get(part))
    const [done, stopped] = [
      call.told.findIndex(isDoneOf(response)),
      call.told.findIndex(isStoppedOf(response)),
    ]
    expect(stopped).toBeGreaterThan(done)
  }
  // What the backend is told to cut is what was sent, at the moment when it was cleared.
  const clearedAt = types.endsWith('cleared') ? story.at(-1)?.at : undefined
  for (const part of parts) {
    const sent = call.sentSamples.get(part) ?? 0
    const truncation = call.truncations.find((each) => each.part === part)
    if (truncation === undefined) continue
    expect(truncation.millis).toBe(Math.floor(sent / SAMPLES_PER_MILLI))
    if (clearedAt !== undefined) expect(truncation.at).toBe(clearedAt)
  }
}

function isDoneOf(response: number): (told: { readonly event: RealtimeEvent }) => boolean {
  return ({ event }) =>
    event.type === 'response.done' && (event['response'] as { id: string }).id === `resp_${response}`
}

function isStoppedOf(response: number): (told: { readonly event: RealtimeEvent }) => boolean {
  return ({ event }) =>
    event.type === 'output_audio_buffer.stopped' && event['response_id'] === `resp_${response}`
}
