import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { OpusPacketView, lostFrameToc } from './opus-packet.ts'

const view = new OpusPacketView()
const read = (...bytes: number[]) => view.read(Uint8Array.from(bytes), 0, bytes.length)
const tocOf = (config: number, stereo: boolean, code: number) => (config << 3) | (stereo ? 4 : 0) | code

describe('OpusPacketView', () => {
  // RFC 6716 section 3.1, table 2, row by row.
  test.each([
    { first: 0, mode: 'silk', millis: [10, 20, 40, 60] },
    { first: 4, mode: 'silk', millis: [10, 20, 40, 60] },
    { first: 8, mode: 'silk', millis: [10, 20, 40, 60] },
    { first: 12, mode: 'hybrid', millis: [10, 20] },
    { first: 14, mode: 'hybrid', millis: [10, 20] },
    { first: 16, mode: 'celt', millis: [2.5, 5, 10, 20] },
    { first: 20, mode: 'celt', millis: [2.5, 5, 10, 20] },
    { first: 24, mode: 'celt', millis: [2.5, 5, 10, 20] },
    { first: 28, mode: 'celt', millis: [2.5, 5, 10, 20] },
  ])('reads configurations from $first on as $mode', ({ first, mode, millis }) => {
    for (const [index, expected] of millis.entries()) {
      expect(read(tocOf(first + index, index % 2 === 1, 0), 1, 2)).toBeUndefined()
      expect(view).toMatchObject({ mode, durationMillis: expected, channels: index % 2 === 1 ? 2 : 1 })
    }
  })

  test('counts the frames of each packing code', () => {
    expect(read(tocOf(1, false, 0), 1, 2, 3)).toBeUndefined()
    expect(view.frameCount).toBe(1)
    expect(read(tocOf(1, false, 1), 1, 2, 3, 4)).toBeUndefined()
    expect(view).toMatchObject({ frameCount: 2, durationMillis: 40 })
    expect(read(tocOf(1, false, 2), 1, 2, 3)).toBeUndefined()
    expect(view.frameCount).toBe(2)
    expect(read(tocOf(1, false, 3), 0x80 | 6, 1, 1)).toBeUndefined()
    expect(view).toMatchObject({ frameCount: 6, durationMillis: 120 })
  })

  test('refuses what no encoder sends', () => {
    expect(read()).toBe('opus-empty')
    expect(read(tocOf(1, false, 1), 1)).toBe('opus-uneven')
    expect(read(tocOf(1, false, 2))).toBe('opus-no-frame-count')
    expect(read(tocOf(1, false, 3))).toBe('opus-no-frame-count')
    expect(read(tocOf(1, false, 3), 0)).toBe('opus-no-frame-count')
    expect(read(tocOf(1, false, 3), 7)).toBe('opus-too-long')
  })

  test('knows a discontinuous-transmission packet by its length', () => {
    expect(read(tocOf(1, false, 0))).toBeUndefined()
    expect(view).toMatchObject({ isDtx: true, durationMillis: 20 })
    expect(read(tocOf(1, false, 0), 1, 2)).toBeUndefined()
    expect(view.isDtx).toBe(false)
  })

  // RFC 6716 section 4.2.3: one activity bit for each 20 ms of a channel, then the redundancy flag.
  test.each([
    { of: '20 ms', toc: tocOf(9, false, 0), flag: 0b0100_0000 },
    { of: '10 ms', toc: tocOf(8, false, 0), flag: 0b0100_0000 },
    { of: '40 ms', toc: tocOf(10, false, 0), flag: 0b0010_0000 },
    { of: '60 ms', toc: tocOf(11, false, 0), flag: 0b0001_0000 },
    { of: '20 ms, hybrid', toc: tocOf(13, false, 0), flag: 0b0100_0000 },
    { of: '20 ms, the side of stereo', toc: tocOf(9, true, 0), flag: 0b0001_0000 },
  ])('sees the redundancy of $of', ({ toc, flag }) => {
    read(toc, flag, 1, 2)
    expect(view.hasFec).toBe(true)
    read(toc, 0xff & ~(flag | (flag << 2)), 1, 2)
    expect(view.hasFec).toBe(false)
  })

  test('sees the redundancy behind the length of a first frame, and none in CELT or DTX', () => {
    read(tocOf(9, false, 2), 2, 0b0100_0000, 1, 1)
    expect(view.hasFec).toBe(true)
    read(tocOf(9, false, 2), 252, 0, 0b0100_0000, 1, 1)
    expect(view.hasFec).toBe(true)
    read(tocOf(19, false, 0), 0xff, 0xff, 0xff)
    expect(view.hasFec).toBe(false)
    read(tocOf(9, false, 0), 0xff)
    expect(view.hasFec).toBe(false)
  })

  test('takes any bytes without throwing and never claims more than 120 ms', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(5), (bytes, start) => {
        const fault = view.read(bytes, start, Math.max(0, bytes.length - start))
        if (fault === undefined) expect(view.durationMillis).toBeLessThanOrEqual(120)
      }),
    )
  })
})

test('a lost frame keeps mode and channels and lasts 20 ms', () => {
  for (let toc = 0; toc < 256; toc++) {
    expect(view.read(Uint8Array.of((toc & ~3) | 0), 0, 1)).toBeUndefined()
    const { mode, channels } = view
    expect(view.read(Uint8Array.of(lostFrameToc(toc)), 0, 1)).toBeUndefined()
    expect(view).toMatchObject({ mode, channels, frameCount: 1, durationMillis: 20 })
  }
})
