import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'

import { millisOf } from '#shared/time'
import { CAPACITY_PACKETS, JitterBuffer, MAX_PAYLOAD_BYTES, MAX_WAIT_MILLIS } from './jitter-buffer.ts'
import { FRAME_MILLIS } from './pacer.ts'

/** A delay that does not adapt, so that times can be told. */
const FIXED = { minMillis: 60, maxMillis: 60 }
const CLOCK_HZ = 48_000

let buffer: JitterBuffer
beforeEach(() => {
  buffer = new JitterBuffer(CLOCK_HZ, FIXED)
})

describe('JitterBuffer', () => {
  test('holds the first packet for the delay, then lets one leave per tick', () => {
    for (let sequence = 0; sequence < 5; sequence++) push(sequence, sequence * FRAME_MILLIS)
    expect(popAll(40)).toEqual([])
    expect(popAll(60)).toEqual([0])
    expect(popAll(80)).toEqual([1])
    expect(popAll(100)).toEqual([2])
  })

  test('returns the payload, the length and the timestamp that were pushed', () => {
    const source = Uint8Array.from({ length: 50 }, (_, index) => index)
    const packet = { sequence: 9, timestamp: 0xffff_fff0, ssrc: 1, payloadStart: 12, payloadLength: 5 }
    buffer.push(packet, source, FRAME_MILLIS, millisOf(0))
    source.fill(0)
    expect(buffer.pop(millisOf(60))).toBe('packet')
    expect(buffer).toMatchObject({ timestamp: 0xffff_fff0, durationMillis: FRAME_MILLIS, isCopy: false })
    expect(payload()).toEqual([12, 13, 14, 15, 16])
  })

  test('puts packets in order across the wrap of the sequence number', () => {
    const inOrder = [65_534, 65_535, 0, 1]
    for (const index of [0, 3, 2, 1]) push(inOrder[index]!, index * FRAME_MILLIS, { timestamp: index * 960 })
    expect([60, 80, 100, 120].flatMap(popAll)).toEqual(inOrder)
  })

  test('lets a packet in that the first one overtook', () => {
    push(11, 0)
    push(10, 3)
    expect([60, 80].flatMap(popAll)).toEqual([10, 11])
    expect(buffer.late).toBe(0)
  })

  test('says missing for a packet whose time has come and which only successors reached', () => {
    for (const sequence of [0, 2, 3]) push(sequence, sequence * FRAME_MILLIS)
    expect([60, 80, 100].flatMap(popAll)).toEqual([0, 'missing', 2])
    expect(push(1, 101)).toBe('late')
    expect(buffer).toMatchObject({ lost: 1, late: 1 })
  })

  test('shows the successor of a missing packet, which may repeat it', () => {
    for (const sequence of [0, 2, 5]) push(sequence, sequence * FRAME_MILLIS)
    popAll(60)
    expect(buffer.pop(millisOf(80))).toBe('missing')
    expect(payload()).toEqual([0, 2])
    expect(popAll(100)).toEqual([2])
    expect(buffer.pop(millisOf(120))).toBe('missing')
    expect(payload()).toEqual([])
    expect(buffer.pop(millisOf(140))).toBe('missing')
    expect(payload()).toEqual([0, 5])
  })

  test('does not call a packet missing while nothing at all arrives, and plays it when it does', () => {
    push(0, 0)
    expect([60, 80, 100, 120, 140].flatMap(popAll)).toEqual([0])
    push(1, 150)
    expect(popAll(160)).toEqual([1])
    expect(buffer.lost).toBe(0)
  })

  test('plays a pause of the sender as a pause', () => {
    push(0, 0)
    push(1, 400, { timestamp: 20 * 960 })
    expect(popAll(60)).toEqual([0])
    expect(popAll(440)).toEqual([])
    expect(popAll(460)).toEqual([1])
    expect(buffer.lost).toBe(0)
  })

  test('works off a burst at once instead of staying behind', () => {
    push(0, 0)
    popAll(60)
    for (let sequence = 1; sequence <= 10; sequence++) push(sequence, 300)
    expect(popAll(300)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('catches up when the ticks themselves stall', () => {
    for (let sequence = 0; sequence < 6; sequence++) push(sequence, sequence * FRAME_MILLIS)
    expect(popAll(120)).toEqual([0, 1, 2, 3])
  })

  test('keeps the pace when ticks are early or late by some milliseconds', () => {
    let popped = 0
    for (let tick = 0; tick < 1_000; tick++) {
      push(tick & 0xffff, tick * FRAME_MILLIS)
      const frames = popAll(tick * FRAME_MILLIS + ((tick * 7) % 9) - 4)
      if (tick > 3) expect(frames.length).toBe(1)
      popped += frames.length
    }
    expect(popped).toBeGreaterThan(990)
    expect(buffer.lost).toBe(0)
  })

  test.each([10, 60, 120])('serves packets of %i ms at their own pace', (duration) => {
    const popped: unknown[] = []
    for (let now = 0; now < 2_400; now += 10) {
      const sequence = now / duration
      if (now % duration === 0) push(sequence, now, { duration, timestamp: sequence * duration * 48 })
      if (now % FRAME_MILLIS === 0) popped.push(...popAll(now))
    }
    expect(popped).toEqual(popped.map((_, index) => index))
    expect(popped.length).toBeGreaterThanOrEqual(2_400 / duration - 200 / duration - 1)
  })

  test('lets a copy stand in for a packet that does not come, and for no other', () => {
    push(0, 0)
    push(2, 40)
    pushCopy(1, 40)
    pushCopy(0, 40)
    expect(popAll(60)).toEqual([0])
    expect(buffer.pop(millisOf(80))).toBe('packet')
    expect(buffer.isCopy).toBe(true)
    expect(push(1, 81)).toBe('duplicate')
    expect(popAll(100)).toEqual([2])
    expect(buffer).toMatchObject({ lost: 0, isCopy: false })
  })

  test('takes the packet itself when it comes after its copy', () => {
    push(1, 20)
    pushCopy(0, 20)
    expect(push(0, 25)).toBe('held')
    expect(buffer.pop(millisOf(60))).toBe('packet')
    expect(buffer.isCopy).toBe(false)
    expect(buffer.duplicates).toBe(0)
  })

  test('refuses duplicates and payloads that no datagram carries', () => {
    push(5, 0)
    expect(push(5, 1)).toBe('duplicate')
    expect(buffer.duplicates).toBe(1)
    const oversized = {
      sequence: 6,
      timestamp: 0,
      ssrc: 1,
      payloadStart: 0,
      payloadLength: MAX_PAYLOAD_BYTES + 1,
    }
    expect(buffer.push(oversized, new Uint8Array(2_000), FRAME_MILLIS, millisOf(0))).toBe('payload-too-long')
  })

  test('tells a packet that was played and comes again from one that was given up', () => {
    for (const sequence of [0, 2]) push(sequence, sequence * FRAME_MILLIS)
    ;[60, 80, 100].flatMap(popAll)
    expect(push(0, 110)).toBe('duplicate')
    expect(push(1, 110)).toBe('late')
  })

  test('gives up the oldest packets when newer ones need the room', () => {
    for (let sequence = 0; sequence < CAPACITY_PACKETS + 4; sequence++) push(sequence, 0)
    expect(buffer.overflowed).toBe(4)
    expect(buffer.isCrowded).toBe(true)
    expect(popAll(MAX_WAIT_MILLIS)[0]).toBe(4)
  })

  test('gives up the oldest packets when newer ones need the memory', () => {
    const source = new Uint8Array(MAX_PAYLOAD_BYTES)
    for (let sequence = 0; sequence < 20; sequence++) {
      const packet = { sequence, timestamp: 0, ssrc: 1, payloadStart: 0, payloadLength: MAX_PAYLOAD_BYTES }
      source.fill(sequence)
      expect(buffer.push(packet, source, FRAME_MILLIS, millisOf(0))).toBe('held')
    }
    expect(buffer.overflowed).toBe(9)
    for (let sequence = 9; sequence < 20; sequence++) {
      expect(buffer.pop(millisOf(MAX_WAIT_MILLIS))).toBe('packet')
      expect(new Set(payload())).toEqual(new Set([sequence]))
    }
  })

  test('grows its memory for a burst, and loses nothing of what it held', () => {
    const source = new Uint8Array(MAX_PAYLOAD_BYTES)
    const before = buffer.memory.length
    const pushLong = (sequence: number) => {
      const packet = { sequence, timestamp: 0, ssrc: 1, payloadStart: 0, payloadLength: 1_000 }
      source.fill(sequence)
      expect(buffer.push(packet, source, FRAME_MILLIS, millisOf(0))).toBe('held')
    }
    for (const sequence of [0, 1, 2]) pushLong(sequence)
    expect(buffer.pop(millisOf(MAX_WAIT_MILLIS))).toBe('packet')
    // One more than there is room for, with the first part of the memory free and the rest not.
    for (let sequence = 3; sequence < 12; sequence++) pushLong(sequence)
    expect(buffer.memory.length).toBeGreaterThan(before)
    for (let sequence = 1; sequence < 12; sequence++) {
      expect(buffer.pop(millisOf(MAX_WAIT_MILLIS))).toBe('packet')
      expect(new Set(payload())).toEqual(new Set([sequence]))
    }
    expect(buffer.overflowed).toBe(0)
  })

  test('lets no packet wait for ever, whatever its timestamp says', () => {
    push(0, 0, { timestamp: 0 })
    push(1, 0, { timestamp: 0x7000_0000 })
    push(2, 0, { timestamp: 0 })
    expect(popAll(MAX_WAIT_MILLIS)).toEqual([0, 1, 2])
  })

  test.each([
    ['another SSRC', { sequence: 500, ssrc: 2 }],
    ['a jump ahead', { sequence: 3_000, ssrc: 1 }],
    ['a jump back', { sequence: 65_000, ssrc: 1 }],
  ])('begins anew after %s', (_, { sequence, ssrc }) => {
    push(0, 0)
    push(1, 0)
    popAll(60)
    expect(push(sequence, 100, { ssrc })).toBe('held')
    expect(popAll(140)).toEqual([])
    expect(popAll(160)).toEqual([sequence])
    expect(buffer.restarts).toBe(2)
  })

  test('gives out in order, at most once, everything it held, whatever arrives when', () => {
    const arrival = fc.record({ step: fc.integer({ min: -20, max: 25 }), wait: fc.nat(80) })
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 300 }), fc.nat(65_535), (arrivals, first) => {
        buffer = new JitterBuffer(CLOCK_HZ)
        let sequence = first
        let now = 0
        let held = 0
        const popped: number[] = []
        for (const { step, wait } of arrivals) {
          sequence = (sequence + step) & 0xffff
          if (push(sequence, now) === 'held') held += 1
          now += wait
          popped.push(...popAll(now).filter(isNumber))
        }
        for (let tick = 0; tick < 50; tick++)
          popped.push(...popAll(now + tick * FRAME_MILLIS).filter(isNumber))
        expect(popped.length + buffer.overflowed).toBe(held)
        const steps = popped
          .slice(1)
          .map((sequence, index) => ((sequence - (popped[index] ?? 0)) << 16) >> 16)
        expect(Math.min(1, ...steps)).toBeGreaterThan(0)
      }),
    )
  })
})

interface Pushed {
  readonly ssrc?: number
  readonly duration?: number
  readonly timestamp?: number
}

function push(sequence: number, now: number, options: Pushed = {}) {
  const { duration = FRAME_MILLIS } = options
  return buffer.push(packetOf(sequence, options), payloadOf(sequence), duration, millisOf(now))
}

function pushCopy(sequence: number, now: number): void {
  buffer.pushCopy(packetOf(sequence, {}), payloadOf(sequence), FRAME_MILLIS, millisOf(now))
}

function packetOf(sequence: number, { ssrc = 1, timestamp = sequence * 960 }: Pushed) {
  return { sequence, timestamp: timestamp >>> 0, ssrc, payloadStart: 0, payloadLength: 2 }
}

function payloadOf(sequence: number): Uint8Array {
  return Uint8Array.of(sequence >> 8, sequence & 0xff)
}

function payload(): number[] {
  const { memory, payloadStart, payloadLength } = buffer
  return [...memory.subarray(payloadStart, payloadStart + payloadLength)]
}

/** Pops until the buffer says `empty`, each packet as the sequence number that `push` wrote into it. */
function popAll(now: number): (number | 'missing')[] {
  const popped: (number | 'missing')[] = []
  for (let verdict = buffer.pop(millisOf(now)); verdict !== 'empty'; verdict = buffer.pop(millisOf(now))) {
    const { memory, payloadStart } = buffer
    popped.push(verdict === 'missing' ? verdict : new DataView(memory.buffer).getUint16(payloadStart))
  }
  return popped
}

function isNumber(frame: number | 'missing'): frame is number {
  return frame !== 'missing'
}
