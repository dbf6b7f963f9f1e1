import { describe, expect, test } from 'vitest'
import { FRAME_SAMPLES } from '../core/media/pacer.ts'
import { createG711Decoder, createG711Encoder, g711Silence } from './g711.ts'

describe.each(['pcmu', 'pcma'] as const)('G.711 as %s', (law) => {
  test('carries a tone through at its level and pitch', () => {
    const encoder = createG711Encoder(law)
    const decoder = createG711Decoder(law)
    const memory = new Uint8Array(200)
    const heard: number[] = []
    for (let frame = 0; frame < 50; frame++) {
      expect(encoder.encode(tone(frame), memory, 20, 180)).toBe(160)
      heard.push(...decoder.decode(memory, 20, 160)!)
    }
    const steady = heard.slice(-12_000)
    expect(rms(steady)).toBeGreaterThan(5_400)
    expect(rms(steady)).toBeLessThan(5_900)
    expect(steady.filter((sample, i) => sample >= 0 && (steady[i - 1] ?? 0) < 0).length).toBeCloseTo(220, -1)
    encoder.close()
    decoder.close()
  })

  test('decodes packets of any length that the view takes, and nothing else', () => {
    const decoder = createG711Decoder(law)
    const memory = new Uint8Array(1_000)
    for (const bytes of [80, 160, 240, 480, 960]) {
      expect(decoder.decode(memory, 0, bytes)?.length).toBe(bytes * 3)
    }
    expect(decoder.decode(memory, 0, 0)).toBeUndefined()
    expect(decoder.decode(memory, 0, 961)).toBeUndefined()
    expect(decoder.decode(memory, 990, 20)).toBeUndefined()
  })

  test('is silent in silence', () => {
    const decoder = createG711Decoder(law)
    expect(rms(decoder.decode(g711Silence(law), 0, 160)!)).toBeLessThan(10)
  })

  test('refuses frames of another length than 20 ms, and room that is not there', () => {
    const encoder = createG711Encoder(law)
    expect(() => encoder.encode(new Int16Array(FRAME_SAMPLES - 1), new Uint8Array(200), 0, 200)).toThrow(
      RangeError,
    )
    expect(() => encoder.encode(tone(0), new Uint8Array(159), 0, 159)).toThrow(RangeError)
  })
})

// ITU-T G.711 tables 1 and 2: the ends of the scale, and what stands for nothing.
test.each([
  ['pcmu', 0x80, 32_124],
  ['pcmu', 0x00, -32_124],
  ['pcmu', 0xff, 0],
  ['pcma', 0xaa, 32_256],
  ['pcma', 0x2a, -32_256],
  ['pcma', 0xd5, 8],
] as const)('reads %s %i as %i', (law, byte, linear) => {
  const decoder = createG711Decoder(law)
  const packet = new Uint8Array(160).fill(byte)
  const settled = Array.from({ length: 10 }, () => decoder.decode(packet, 0, 160)!.at(-1)!).at(-1)!
  expect(Math.abs(settled - linear)).toBeLessThanOrEqual(Math.max(4, Math.abs(linear) / 500))
})

function tone(frame: number): Int16Array {
  return Int16Array.from(
    { length: FRAME_SAMPLES },
    (_, i) => 8_000 * Math.sin((2 * Math.PI * 440 * (frame * FRAME_SAMPLES + i)) / 24_000),
  )
}

function rms(samples: Iterable<number>): number {
  const squares = Array.from(samples, (sample) => sample * sample)
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
}
