import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BACKEND_SAMPLE_RATE_HZ } from '../../backends/backend.ts'
import type { AudioPart } from '../../backends/backend.ts'
import { MAX_BACKLOG_SECONDS, MAX_PACKET_BYTES, Playout } from './playout.ts'

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
    playout.finishResponse('r2')
    while (playout.pull(frame) === 'audio');
    expect(notices(playout)).toEqual(['started r1', 'stopped r1', 'started r2', 'stopped r2'])
  })

  test('stops only when the response is done, not when the backend is slow', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, FRAME))
    playout.pull(frame)
    expect(playout.pull(frame)).toBe('idle')
    playout.finish(part('r1'))
    expect(playout.pull(frame)).toBe('idle')
    playout.enqueue({ ...part('r1'), contentIndex: 1 }, ramp(1, FRAME))
    expect(playout.pull(frame)).toBe('audio')
    expect(notices(playout)).toEqual(['started r1'])
    playout.finishResponse('r1')
    expect(playout.pull(frame)).toBe('idle')
    expect(notices(playout)).toEqual(['stopped r1'])
  })

  test('stops a response that was never done when another one takes over', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, FRAME))
    playout.enqueue(part('r2'), ramp(1, FRAME))
    playout.pull(frame)
    playout.pull(frame)
    expect(notices(playout)).toEqual(['started r1', 'stopped r1', 'started r2'])
  })

  test('says of each part that it is cleared of how much was heard: of those behind the first, nothing', () => {
    const playout = new Playout()
    const parts = [part('r1'), { ...part('r1'), contentIndex: 1 }, { ...part('r1'), itemId: 'second' }]
    for (const each of parts) playout.enqueue(each, ramp(1, 2 * FRAME))
    playout.pull(frame)
    expect(playout.clear().map(({ playedMillis }) => playedMillis)).toEqual([20, 0, 0])
  })

  test('is cleared between two parts of a response, and plays nothing more of it', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, FRAME))
    playout.finish(part('r1'))
    playout.pull(frame)
    playout.pull(frame)
    expect(playout.clear()).toEqual([])
    expect(playout.enqueue({ ...part('r1'), contentIndex: 1 }, ramp(1, FRAME))).toBe('response-cleared')
    expect(notices(playout)).toEqual(['started r1', 'cleared r1'])
  })

  test('clears at once, says what was heard and refuses the rest of the response', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, 10 * FRAME))
    for (let frames = 0; frames < 3; frames++) playout.pull(frame)
    expect(playout.clear()).toEqual([{ part: part('r1'), playedMillis: 60 }])
    expect(playout.pull(frame)).toBe('idle')
    expect(playout.backlogMillis).toBe(0)
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
    expect(playout.clear()).toEqual([{ part: { ...part('r1'), contentIndex: 1 }, playedMillis: 0 }])
  })

  test('has nothing to say about a queue that is empty or played out', () => {
    const playout = new Playout()
    expect(playout.clear()).toEqual([])
    playout.enqueue(part('r1'), ramp(1, FRAME))
    playout.finishResponse('r1')
    playout.pull(frame)
    expect(playout.clear()).toEqual([])
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

  test('hands packets out as they came and counts each as 20 ms', () => {
    const playout = new Playout()
    const packets = [packet(1, 80), packet(2, 3), packet(3, MAX_PACKET_BYTES)]
    for (const each of packets) expect(playout.enqueuePacket(part('r1'), each)).toBe('queued')
    expect(playout.backlogMillis).toBe(60)
    for (const each of packets.slice(0, 2)) {
      expect(playout.pull(frame)).toBe('packet')
      expect(packetOf(playout)).toEqual(each)
    }
    expect(playout.clear()).toEqual([{ part: part('r1'), playedMillis: 40 }])
  })

  test('plays a part of packets after one of samples', () => {
    const playout = new Playout()
    playout.enqueue(part('r1'), ramp(1, 10))
    playout.enqueuePacket(part('r2'), packet(9, 60))
    playout.finishResponse('r2')
    expect([1, 2, 3].map(() => playout.pull(frame))).toEqual(['audio', 'packet', 'idle'])
    expect(notices(playout)).toEqual(['started r1', 'stopped r1', 'started r2', 'stopped r2'])
  })

  test('refuses samples in a part of packets, and packets in a part of samples', () => {
    const playout = new Playout()
    playout.enqueuePacket(part('r1'), packet(1, 60))
    expect(playout.enqueue(part('r1'), ramp(1, FRAME))).toBe('part-mixed')
    playout.enqueue(part('r2'), ramp(1, FRAME))
    expect(playout.enqueuePacket(part('r2'), packet(1, 60))).toBe('part-mixed')
    expect(playout.backlogMillis).toBe(40)
  })

  test('refuses a packet that no network carries', () => {
    const playout = new Playout()
    expect(playout.enqueuePacket(part('r1'), packet(1, MAX_PACKET_BYTES + 1))).toBe('packet-too-large')
    expect(playout.pull(frame)).toBe('idle')
  })

  test('bounds packets by the time that they last', () => {
    const playout = new Playout()
    const each = packet(1, 60)
    for (let packets = 0; packets < MAX_BACKLOG_SECONDS * 50; packets++)
      playout.enqueuePacket(part('r1'), each)
    expect(playout.enqueuePacket(part('r1'), each)).toBe('backlog-full')
    playout.pull(frame)
    expect(playout.enqueuePacket(part('r1'), each)).toBe('queued')
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
            expect(playout.enqueue(target, samples)).toBe(model.enqueue(target, [...samples]))
          } else if (kind === 'enqueue-packet') {
            const payload = packet(model.nextSample, length % 100)
            expect(playout.enqueuePacket(target, payload)).toBe(model.enqueuePacket(target, payload))
          } else if (kind === 'finish') {
            playout.finish(target)
            model.finish(target)
          } else if (kind === 'finish-response') {
            playout.finishResponse(`r${response}`)
            model.finishResponse(`r${response}`)
          } else if (kind === 'clear') {
            expect(playout.clear()).toEqual(model.clear())
          } else {
            expect(pulled(playout)).toEqual(model.pull())
          }
          expect(playout.backlogMillis).toBe(model.backlog / 24)
        }
        expect(notices(playout)).toEqual(model.notices)
      }),
    )
  })
})

/** The same queue as flat arrays, one per part, in which a packet stands as 480 times itself: slow and plain. */
class NaivePlayout {
  nextSample = 1
  readonly notices: string[] = []
  #parts: NaivePart[] = []
  #cleared: string[] = []
  #done: string[] = []
  #sounding: string | undefined

  get backlog(): number {
    return this.#parts.reduce((sum, entry) => sum + entry.content.length - entry.played, 0)
  }

  enqueue(target: AudioPart, samples: readonly number[]): string {
    return this.#enqueue(target, samples, false)
  }

  enqueuePacket(target: AudioPart, payload: Uint8Array): string {
    const isEmpty = payload.length === 0
    return this.#enqueue(target, isEmpty ? [] : Array.from({ length: FRAME }, () => payload), true)
  }

  finish(target: AudioPart): void {
    for (const entry of this.#parts) {
      if (entry.part.responseId === target.responseId) entry.finished = true
    }
  }

  finishResponse(responseId: string): void {
    const target = part(responseId)
    this.finish(target)
    const isHere = this.#parts.some((entry) => entry.part.responseId === responseId)
    if (isHere || this.#sounding === responseId) this.#done.push(responseId)
  }

  pull(): unknown {
    const head = this.#head()
    if (head === undefined) return undefined
    const ready = head.content.slice(head.played, head.played + FRAME)
    if (ready.length < FRAME && !head.finished) return undefined
    if (this.#sounding !== head.part.responseId) this.notices.push(`started ${head.part.responseId}`)
    this.#sounding = head.part.responseId
    head.played += ready.length
    if (head.isPackets) return ready[0]
    return [...ready, ...Array.from({ length: FRAME - ready.length }, () => 0)]
  }

  clear(): unknown[] {
    const responseId = this.#head()?.part.responseId ?? this.#sounding
    if (responseId === undefined) return []
    this.#cleared.push(responseId, ...this.#parts.map((entry) => entry.part.responseId))
    const parts = this.#parts.map((entry) => ({
      part: entry.part,
      playedMillis: Math.floor(entry.played / 24),
    }))
    this.#parts = []
    this.#done = []
    this.#sounding = undefined
    this.notices.push(`cleared ${responseId}`)
    return parts.filter(
      (heard, at) => parts.findIndex((other) => other.part.responseId === heard.part.responseId) === at,
    )
  }

  #enqueue(target: AudioPart, content: readonly NaiveContent[], isPackets: boolean): string {
    if (this.#cleared.includes(target.responseId)) return 'response-cleared'
    if (content.length === 0) return 'queued'
    this.nextSample += content.length
    const last = this.#parts.at(-1)
    if (last !== undefined && last.part.responseId === target.responseId && !last.finished) {
      if (last.isPackets !== isPackets) return 'part-mixed'
      last.content.push(...content)
      return 'queued'
    }
    if (last !== undefined) last.finished = true
    this.#parts.push({ part: target, isPackets, content: [...content], played: 0, finished: false })
    return 'queued'
  }

  /** The first part that is not played out; a response of which nothing is left has stopped. */
  #head(): NaivePart | undefined {
    this.#parts = this.#parts.filter(({ finished, played, content }, at) => {
      const isBehind = this.#parts
        .slice(0, at)
        .some((before) => !before.finished || before.played < before.content.length)
      return isBehind || !finished || played < content.length
    })
    const head = this.#parts[0]
    const sounding = this.#sounding
    if (sounding === undefined || sounding === head?.part.responseId) return head
    if (head === undefined && !this.#done.includes(sounding)) return head
    this.notices.push(`stopped ${sounding}`)
    this.#done = this.#done.filter((responseId) => responseId !== sounding)
    this.#sounding = undefined
    return head
  }
}

type NaiveContent = number | Uint8Array

interface NaivePart {
  readonly part: AudioPart
  readonly isPackets: boolean
  readonly content: NaiveContent[]
  played: number
  finished: boolean
}

const operation = fc.record({
  kind: fc.constantFrom(
    ...([
      'enqueue',
      'enqueue',
      'enqueue-packet',
      'enqueue-packet',
      'finish',
      'finish-response',
      'clear',
    ] as const),
    ...(['pull', 'pull', 'pull'] as const),
  ),
  response: fc.nat(3),
  length: fc.nat(1_500),
})

function pulled(playout: Playout): unknown {
  const verdict = playout.pull(frame)
  if (verdict === 'idle') return undefined
  return verdict === 'packet' ? packetOf(playout) : [...frame]
}

function packetOf({ packet: { memory, start, length } }: Playout): Uint8Array {
  return memory.slice(start, start + length)
}

function packet(fill: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(fill)
}

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
