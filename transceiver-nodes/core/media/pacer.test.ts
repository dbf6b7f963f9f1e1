import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { millisOf } from '#shared/time'
import { FRAME_MILLIS, MAX_CATCH_UP_FRAMES, Pacer, rtpTimestampOf } from './pacer.ts'

const START = 1_000.25

describe('Pacer', () => {
  test('owes the first frame at its start and one every 20 ms from then on', () => {
    const pacer = new Pacer(millisOf(START))
    expect(pacer.advance(millisOf(START - 5))).toBe(0)
    expect(pacer.advance(millisOf(START))).toBe(1)
    expect(pacer.frame).toBe(0)
    expect(pacer.pollTimeout()).toBe(START + FRAME_MILLIS)
    expect(pacer.advance(millisOf(START + 19.9))).toBe(0)
    expect(pacer.advance(millisOf(START + 20))).toBe(1)
    expect(pacer.frame).toBe(1)
  })

  test('does not drift when every tick is late', () => {
    const pacer = new Pacer(millisOf(START))
    let sent = 0
    for (let tick = 0; tick < 50_000; tick++) {
      sent += pacer.advance(millisOf(START + tick * FRAME_MILLIS + (tick % 7) * 2.7))
    }
    expect(sent).toBe(50_000)
    expect(pacer.pollTimeout()).toBe(START + 50_000 * FRAME_MILLIS)
  })

  test('catches up a few frames after a stall and says how many it skipped', () => {
    const pacer = new Pacer(millisOf(START))
    pacer.advance(millisOf(START))
    expect(pacer.advance(millisOf(START + 10 * FRAME_MILLIS))).toBe(MAX_CATCH_UP_FRAMES)
    expect(pacer.skipped).toBe(10 - MAX_CATCH_UP_FRAMES)
    expect(pacer.frame).toBe(1 + pacer.skipped)
    expect(pacer.advance(millisOf(START + 11 * FRAME_MILLIS))).toBe(1)
    expect(pacer.skipped).toBe(0)
    expect(pacer.frame).toBe(11)
  })

  test('gives every frame number out once, in order, as due or as skipped', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 100 }), (gaps) => {
        const pacer = new Pacer(millisOf(START))
        let now = START
        let next = 0
        for (const gap of gaps) {
          now += gap
          const due = pacer.advance(millisOf(now))
          expect(due).toBeLessThanOrEqual(MAX_CATCH_UP_FRAMES)
          expect(pacer.frame - pacer.skipped).toBe(next)
          next = pacer.frame + due
          expect(next).toBe(Math.floor((now - START) / FRAME_MILLIS) + 1)
        }
      }),
    )
  })
})

test('the RTP timestamp advances by 20 ms of the clock a frame and wraps', () => {
  expect(rtpTimestampOf(0, 7, 48_000)).toBe(7)
  expect(rtpTimestampOf(3, 0xffff_ffff, 48_000)).toBe(3 * 960 - 1)
  expect(rtpTimestampOf(3, 0xffff_ffff, 8_000)).toBe(3 * 160 - 1)
  expect(rtpTimestampOf(2 ** 32, 5, 48_000)).toBe(5)
})
