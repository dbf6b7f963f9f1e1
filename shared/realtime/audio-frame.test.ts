import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromHex, toHex } from '#shared/bytes'
import { AUDIO_FRAME_HEADER_BYTES, AudioFrameView, writeAudioFrameHeader } from './audio-frame.ts'

function frame(isLost: boolean, duration: number, sequence: number, part: number, payload: Uint8Array) {
  const header = new Uint8Array(AUDIO_FRAME_HEADER_BYTES)
  writeAudioFrameHeader(header, isLost, duration, sequence, part)
  return concatBytes(header, payload)
}

describe('an audio frame', () => {
  test.each([
    ['20 ms of part 7', frame(false, 20, 0x1234, 7, Uint8Array.of(0xf8, 0xff)), '1008123400000007f8ff'],
    ['a lost packet of the microphone', frame(true, 2.5, 0xffff, 0, new Uint8Array(0)), '1101ffff00000000'],
  ])('is laid out as docs/backends.md draws it: %s', (_, bytes, hex) => {
    expect(toHex(bytes)).toBe(hex)
  })

  test('reads what was written, whatever it is', () => {
    const fields = fc.record({
      duration: fc.integer({ min: 1, max: 48 }).map((units) => units * 2.5),
      sequence: fc.nat(0xffff),
      part: fc.nat(0xffff_ffff),
      payload: fc.uint8Array({ maxLength: 200 }),
    })
    fc.assert(
      fc.property(fields, ({ duration, sequence, part, payload }) => {
        const isLost = payload.length === 0
        const bytes = frame(isLost, duration, sequence, part, payload)
        const view = new AudioFrameView()
        expect(view.read(bytes)).toBeUndefined()
        expect(view).toMatchObject({ isLost, durationMillis: duration, sequence, part })
        expect(bytes.subarray(view.payloadStart, view.payloadStart + view.payloadLength)).toEqual(payload)
      }),
    )
  })

  test('takes any bytes without throwing, and writes back what it takes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const view = new AudioFrameView()
        if (view.read(bytes) !== undefined) return
        const payload = bytes.subarray(view.payloadStart)
        expect(frame(view.isLost, view.durationMillis, view.sequence, view.part, payload)).toEqual(bytes)
      }),
      { examples: [[fromHex('1008000000000000f8') ?? new Uint8Array(0)]] },
    )
  })

  test.each([
    ['frame-truncated', '10080000000000'],
    ['frame-kind', '2008000000000000f8'],
    ['frame-kind', '1208000000000000f8'],
    ['frame-duration', '1000000000000000f8'],
    ['frame-duration', '1031000000000000f8'],
    ['frame-payload', '1008000000000000'],
    ['frame-payload', '1108000000000000f8'],
  ])('refuses with %s: %s', (fault, hex) => {
    expect(new AudioFrameView().read(fromHex(hex) ?? new Uint8Array(0))).toBe(fault)
  })

  test.each([0, 21, 122.5, -20, Number.NaN])('has no duration of %d ms', (duration) => {
    expect(() => frame(false, duration, 0, 0, new Uint8Array(1))).toThrow(RangeError)
  })
})
