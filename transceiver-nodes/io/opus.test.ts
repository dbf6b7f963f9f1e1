import { Encoder } from '@evan/opus'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { FRAME_SAMPLES, createOpusDecoder, createOpusEncoder } from './opus.ts'

const OPTIONS = { bitrate: 32_000, complexity: 5, inbandFec: true, expectedLossPercent: 10 } as const

describe('Opus', () => {
  test('carries a tone through at its level and pitch', () => {
    const encoder = createOpusEncoder(OPTIONS)
    const decoder = createOpusDecoder()
    const heard: number[] = []
    for (let frame = 0; frame < 50; frame++) {
      const packet = encoder.encode(tone(440, BACKEND_SAMPLE_RATE_HZ, FRAME_SAMPLES, frame * FRAME_SAMPLES))
      expect(packet.length).toBeLessThan(200)
      const samples = samplesOf(decoder.decode(packet))
      expect(samples.length).toBe(FRAME_SAMPLES)
      heard.push(...samples)
    }
    const steady = heard.slice(-BACKEND_SAMPLE_RATE_HZ / 2)
    expect(rms(steady)).toBeCloseTo(8_000 / Math.SQRT2, -3)
    expect(risingCrossings(steady)).toBeGreaterThan(217)
    expect(risingCrossings(steady)).toBeLessThan(223)
    encoder.close()
    decoder.close()
  })

  test.each([2.5, 5, 10, 20, 40, 60, 120] as const)('decodes packets of %d ms', (millis) => {
    const encoder = new Encoder({ channels: 1, sample_rate: 48_000, application: 'audio' })
    encoder.expert_frame_duration = millis
    const packet = encoder.encode(tone(440, 48_000, 48 * millis))
    expect(samplesOf(createOpusDecoder().decode(packet)).length).toBe(24 * millis)
  })

  test('mixes stereo down', () => {
    const encoder = new Encoder({ channels: 2, sample_rate: 48_000, application: 'voip' })
    const decoder = createOpusDecoder()
    const left = tone(440, 48_000, 960)
    const interleaved = Int16Array.from({ length: 1_920 }, (_, index) =>
      index % 2 === 0 ? (left[index / 2] ?? 0) : 0,
    )
    let samples: Int16Array = new Int16Array(0)
    for (let frame = 0; frame < 10; frame++) samples = samplesOf(decoder.decode(encoder.encode(interleaved)))
    expect(samples.length).toBe(FRAME_SAMPLES)
    expect(rms(samples)).toBeGreaterThan(1_500)
    expect(rms(samples)).toBeLessThan(4_500)
  })

  test('conceals lost frames with the sound before them, fading, and recovers', () => {
    const encoder = createOpusEncoder(OPTIONS)
    const decoder = createOpusDecoder()
    expect(decoder.conceal()).toEqual(new Int16Array(FRAME_SAMPLES))
    const packets = Array.from({ length: 40 }, (_, frame) =>
      encoder.encode(tone(440, BACKEND_SAMPLE_RATE_HZ, FRAME_SAMPLES, frame * FRAME_SAMPLES)).slice(),
    )
    for (const packet of packets.slice(0, 20)) decoder.decode(packet)
    const concealed = Array.from({ length: 8 }, () => decoder.conceal())
    expect(concealed.every((samples) => samples.length === FRAME_SAMPLES)).toBe(true)
    expect(rms(concealed[0] ?? [])).toBeGreaterThan(2_000)
    expect(rms(concealed[7] ?? [])).toBeLessThan(300)
    let last: Int16Array = new Int16Array(0)
    for (const packet of packets.slice(28)) last = samplesOf(decoder.decode(packet))
    expect(rms(last)).toBeGreaterThan(4_000)
  })

  test('returns bad packets as values and goes on', () => {
    const decoder = createOpusDecoder()
    expect(decoder.decode(new Uint8Array(0))).toBe('opus-empty')
    expect(decoder.decode(Uint8Array.of(0xff))).toBe('opus-invalid')
    expect(decoder.decode(new Uint8Array(20_000))).toBe('opus-oversized')
    const packet = createOpusEncoder(OPTIONS).encode(new Int16Array(FRAME_SAMPLES))
    expect(samplesOf(decoder.decode(packet)).length).toBe(FRAME_SAMPLES)
  })

  test('takes any bytes and gives at most 120 ms', () => {
    const decoder = createOpusDecoder()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const samples = decoder.decode(bytes)
        if (typeof samples !== 'string') expect(samples.length).toBeLessThanOrEqual(2_880)
      }),
      { numRuns: 500 },
    )
  })

  test('refuses frames of another length than 20 ms', () => {
    expect(() => createOpusEncoder(OPTIONS).encode(new Int16Array(FRAME_SAMPLES - 1))).toThrow(RangeError)
  })
})

function tone(hertz: number, rate: number, length: number, offset = 0): Int16Array {
  return Int16Array.from(
    { length },
    (_, index) => 8_000 * Math.sin((2 * Math.PI * hertz * (offset + index)) / rate),
  )
}

function samplesOf(decoded: Int16Array | string): Int16Array {
  if (typeof decoded === 'string') throw new Error(decoded)
  return decoded
}

function rms(samples: Iterable<number>): number {
  const squares = Array.from(samples, (sample) => sample * sample)
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
}

function risingCrossings(samples: readonly number[]): number {
  return samples.filter((sample, index) => sample >= 0 && (samples[index - 1] ?? 0) < 0).length
}
