import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BACKEND_SAMPLE_RATE_HZ } from '../../backends/backend.ts'
import type { AudioPart } from '../../backends/backend.ts'
import { MAX_BACKLOG_SECONDS, Playout } from './playout.ts'

const FRAME = 480
const frame = new Int16Array(FRAME)

describe('Playout', () => {
  test('hands samples out in order and pads the last frame of a finished part', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, 300))
    playout.enqueue(part('r1'), ramp(301, 300))
    playout.finish(part('r1'))
    expect(playout.pull(frame)).toBe('audio')
    expect(frame).toEqual(ramp(1, FRAME))
    expect(playout.pull(frame)).toBe('audio')
    expect(frame.subarray(0, 120)).toEqual(ramp(481, 120))
    expect(frame.subarray(120).every((sample) => sample === 0)).toBe(true)
    expect(playout.pull(frame)).toBe('idle')
  })

  test('waits for a full frame while more of the part may come', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, FRAME - 1))
    expect(playout.pull(frame)).toBe('idle')
    playout.enqueue(part('r1'), ramp(FRAME, 1))
    expect(playout.pull(frame)).toBe('audio')
    expect(frame).toEqual(ramp(1, FRAME))
  })

  test('says started and stopped once for a response of several parts', () => {
    const playout = new Playout()
    for (const contentIndex of [0, 1]) {
      playout.enqueue({ ...part('r1'), contentIndex }, ramp(1, FRAME))
    }
    playout.enqueue(part('r2'), ramp(1, FRAME))
    playout.finish(part('r2'))
    while (playout.pull(frame) === 'audio');
    expect(notices(playout)).toEqual(['started r1', 'stopped r1', 'started r2', 'stopped r2'])
  })

  test('stops only when the part is finished, not when the backend is slow', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, FRAME))
    playout.pull(frame)
    expect(playout.pull(frame)).toBe('idle')
    expect(notices(playout)).toEqual(['started r1'])
    playout.finish(part('r1'))
    playout.pull(frame)
    expect(notices(playout)).toEqual(['stopped r1'])
  })

  test('clears at once, says what was heard and refuses the rest of the response', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, 10 * FRAME))
    for (let frames = 0; frames < 3; frames++) playout.pull(frame)
    expect(playout.clear()).toEqual({ part: part('r1'), playedMillis: 60 })
    expect(playout.pull(frame)).toBe('idle')
    expect(playout.backlogSamples).toBe(0)
    expect(playout.enqueue(part('r1'), ramp(1, FRAME))).toBe('response-cleared')
    expect(playout.enqueue(part('r2'), ramp(1, FRAME))).toBe('queued')
    playout.pull(frame)
    expect(notices(playout)).toEqual(['started r1', 'cleared r1', 'started r2'])
  })

  test('does not count the silence that pads a part as heard', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, FRAME + 24))
    playout.finish(part('r1'))
    playout.pull(frame)
    playout.pull(frame)
    playout.enqueue({ ...part('r1'), contentIndex: 1 }, ramp(1, FRAME))
    expect(playout.clear()).toEqual({ part: { ...part('r1'), contentIndex: 1 }, playedMillis: 0 })
  })

  test('has nothing to say about a queue that is empty or played out', () => {
    const playout = new Playout()
    expect(playout.clear()).toBeUndefined()
    playout.enqueue(part('r1'), ramp(1, FRAME))
    playout.finish(part('r1'))
    playout.pull(frame)
    expect(playout.clear()).toBeUndefined()
    expect(notices(playout)).toEqual(['started r1', 'stopped r1'])
  })

  test('refuses more than its backlog holds', () => {
    const playout = new Playout()
    const second = new Int16Array(BACKEND_SAMPLE_RATE_HZ)
    for (let seconds = 0; seconds < MAX_BACKLOG_SECONDS; seconds++) {
      expect(playout.enqueue(part('r1'), second)).toBe('queued')
    }
    expect(playout.enqueue(part('r1'), ramp(1, 1))).toBe('backlog-full')
    playout.pull(frame)
    expect(playout.enqueue(part('r1'), ramp(1, 1))).toBe('queued')
  })

  test('agrees with a naive model under any sequence of operations', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const playout = new Playout()
        const model = new NaivePlayout()
        for (const { kind, response, length } of operations) {
          const target = part(`r${response}`)
          if (kind === 'enqueue') {
            const samples = ramp(model.nextSample, length)
            expect(playout.enqueue(target, samples)).toBe(model.enqueue(target, samples))
          } else if (kind === 'finish') {
            playout.finish(target)
            model.finish(target)
          } else if (kind === 'clear') {
            expect(playout.clear()).toEqual(model.clear())
          } else {
            const pulled = playout.pull(frame) === 'audio' ? [...frame] : undefined
            expect(pulled).toEqual(model.pull())
          }
          expect(playout.backlogSamples).toBe(model.backlog)
        }
      }),
    )
  })
})

/** The same queue as flat arrays of samples, one per part: slow and plain. */
class NaivePlayout {
  nextSample = 1
  #parts: { part: AudioPart; samples: number[]; played: number; finished: boolean }[] = []
  #cleared: string[] = []

  get backlog(): number {
    return this.#parts.reduce((sum, entry) => sum + entry.samples.length - entry.played, 0)
  }

  enqueue(target: AudioPart, samples: Int16Array): string {
    if (this.#cleared.includes(target.responseId)) return 'response-cleared'
    if (samples.length === 0) return 'queued'
    const last = this.#parts.at(-1)
    if (last !== undefined && last.part.responseId === target.responseId && !last.finished) {
      last.samples.push(...samples)
    } else {
      if (last !== undefined) last.finished = true
      this.#parts.push({ part: target, samples: [...samples], played: 0, finished: false })
    }
    this.nextSample += samples.length
    return 'queued'
  }

  finish(target: AudioPart): void {
    for (const entry of this.#parts) {
      if (entry.part.responseId === target.responseId) entry.finished = true
    }
  }

  pull(): number[] | undefined {
    this.#parts = this.#parts.filter(({ finished, played, samples }) => !finished || played < samples.length)
    const head = this.#parts[0]
    if (head === undefined) return undefined
    const ready = head.samples.slice(head.played, head.played + FRAME)
    if (ready.length < FRAME && !head.finished) return undefined
    head.played += ready.length
    return [...ready, ...Array.from({ length: FRAME - ready.length }, () => 0)]
  }

  clear(): { part: AudioPart; playedMillis: number } | undefined {
    this.#parts = this.#parts.filter(({ finished, played, samples }) => !finished || played < samples.length)
    const head = this.#parts[0]
    if (head === undefined) return undefined
    this.#cleared = this.#parts.map(({ part }) => part.responseId)
    this.#parts = []
    return { part: head.part, playedMillis: Math.floor(head.played / 24) }
  }
}

const operation = fc.record({
  kind: fc.constantFrom('enqueue', 'enqueue', 'enqueue', 'finish', 'pull', 'pull', 'pull', 'clear'),
  response: fc.nat(3),
  length: fc.nat(1_500),
})

function part(responseId: string): AudioPart {
  return { responseId, itemId: `item-${responseId}`, contentIndex: 0 }
}

function ramp(from: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, index) => from + index)
}

function notices(playout: Playout): string[] {
  const told: string[] = []
  for (let notice = playout.nextNotice(); notice !== undefined; notice = playout.nextNotice()) {
    told.push(`${notice.type} ${notice.responseId}`)
  }
  return told
}
