import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readWav, writeWav } from './wav.ts'

const sounds = fc.record({
  sampleRateHz: fc.integer({ min: 8000, max: 48_000 }),
  samples: fc.int16Array({ maxLength: 200 }),
})

test('reads what it writes', () => {
  fc.assert(
    fc.property(sounds, (sound) => {
      expect(readWav(writeWav(sound))).toEqual(sound)
    }),
  )
})

test('reads a file that stands in the middle of memory, and chunks it does not know', () => {
  const file = writeWav({ sampleRateHz: 8000, samples: Int16Array.of(1, -2, 3) })
  const unknown = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 9, 9, 9, 0)
  const memory = new Uint8Array([7, ...file.subarray(0, 12), ...unknown, ...file.subarray(12)])
  expect(readWav(memory.subarray(1))).toEqual({ sampleRateHz: 8000, samples: Int16Array.of(1, -2, 3) })
})

test('reads as far as a cut file goes', () => {
  const file = writeWav({ sampleRateHz: 8000, samples: Int16Array.of(1, -2, 3) })
  expect(readWav(file.subarray(0, -3))).toEqual({ sampleRateHz: 8000, samples: Int16Array.of(1) })
})

test('refuses what is not 16-bit mono PCM', () => {
  const file = writeWav({ sampleRateHz: 8000, samples: new Int16Array(4) })
  const stereo = file.slice()
  stereo[22] = 2
  const eightBit = file.slice()
  eightBit[34] = 8
  expect(readWav(stereo)).toBe('wav-not-pcm16-mono')
  expect(readWav(eightBit)).toBe('wav-not-pcm16-mono')
  expect(readWav(file.subarray(0, 20))).toBe('wav-not-pcm16-mono')
  expect(readWav(file.subarray(0, 36))).toBe('wav-no-data')
  expect(readWav(new Uint8Array(4))).toBe('wav-not-riff')
})

test('never throws, whatever the bytes', () => {
  const header = writeWav({ sampleRateHz: 8000, samples: new Int16Array(0) })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 44 }), (bytes, kept) => {
      readWav(new Uint8Array([...header.subarray(0, kept), ...bytes]))
    }),
  )
})
