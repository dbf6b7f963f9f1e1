/** A call for tests: the agent between a client that keeps what it is sent and a microphone that plays samples. */

import { readFileSync } from 'node:fs'
import { readWav } from '#shared/wav'
import { epochSecondsOf } from '#shared/time'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { AudioPart, BackendOutput } from '../backends/backend.ts'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { DemoAgent } from './demo-agent.ts'
import { resampleSound } from '../io/resampler.ts'
import { VoiceError } from './voice.ts'
import type { Voice } from './voice.ts'

/** A voice that hums for 10 ms a character, as long as its breath lasts. */
export class ToneVoice implements Voice {
  readonly sentences: string[] = []
  /** How many sentences it speaks before it waits for `release`. */
  breath = Infinity
  isBroken = false
  readonly #waiting: (() => void)[] = []

  async speak(sentence: string): Promise<Int16Array> {
    this.sentences.push(sentence)
    if (this.sentences.length > this.breath) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.isBroken) throw new VoiceError('voice-lost')
    return Int16Array.from({ length: sentence.length * 240 }, (_, i) => 8000 * Math.sin(i / 10))
  }

  release(): void {
    this.breath = Infinity
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** The call: what the client was sent, in order, with audio as events of its own. */
export class TestCall implements BackendOutput {
  readonly voice: Voice
  readonly agent: DemoAgent
  readonly events: RealtimeEvent[] = []
  readonly audioParts: { readonly part: AudioPart; readonly samples: Int16Array }[] = []
  onEvent: (event: RealtimeEvent) => void = () => {}
  #ids = 0

  constructor(voice: Voice, session?: Record<string, unknown>) {
    this.voice = voice
    const parts = {
      voice,
      mintId: (prefix: string) => `${prefix}_${++this.#ids}`,
      now: () => epochSecondsOf(14 * 3600 + 5 * 60),
    }
    this.agent = new DemoAgent({ callId: 'rtc_test', session, codec: 'opus' }, this, parts)
  }

  event(event: RealtimeEvent): void {
    this.events.push(event)
    this.onEvent(event)
  }

  packet(): void {
    throw new Error('the agent speaks samples')
  }

  audio(part: AudioPart, samples: Int16Array): void {
    this.events.push({ type: '(audio)' })
    this.audioParts.push({ part, samples })
  }

  audioDone(): void {
    this.events.push({ type: '(audio done)' })
  }

  drop(reason: string): void {
    throw new Error(`the agent dropped something: ${reason}`)
  }

  end(reason: string): void {
    throw new Error(`the agent ended the call: ${reason}`)
  }

  /** Plays `samples` to the agent in frames of 20 ms. */
  hear(samples: Int16Array): void {
    for (let at = 0; at < samples.length; at += 480) this.agent.handleAudio(samples.subarray(at, at + 480))
  }

  send(type: string, fields: Record<string, unknown> = {}): void {
    this.agent.handleEvent({ type, ...fields })
  }

  /** The types of the events since `mark`. */
  typesSince(mark: number): string[] {
    return this.events.slice(mark).map((event) => event.type)
  }

  /** The last event of a type. */
  last(type: string): RealtimeEvent {
    const event = this.events.findLast((candidate) => candidate.type === type)
    if (event === undefined) throw new Error(`no ${type} among ${this.typesSince(0).join(', ')}`)
    return event
  }

  /** Waits until the response is done: all that a voice of tones needs are some turns of the event loop. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) await Promise.resolve()
  }
}

/** The spoken sample at the backend's rate. */
export function speechSample(): Int16Array {
  const sound = readWav(readFileSync(new URL('../../tests/audio/speech.wav', import.meta.url)))
  if (typeof sound === 'string') throw new Error(sound)
  return resampleSound(sound.samples, sound.sampleRateHz, BACKEND_SAMPLE_RATE_HZ)
}

/** Silence with a little noise in it, as microphones have. */
export function silence(millis: number): Int16Array {
  return Int16Array.from({ length: millis * 24 }, (_, i) => ((i * 7919) % 17) - 8)
}
