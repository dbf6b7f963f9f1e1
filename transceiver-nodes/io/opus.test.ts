import { readFileSync } from 'node:fs'
import { Encoder } from '@evan/opus'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { readWav } from '#shared/wav'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { FRAME_MILLIS, FRAME_SAMPLES } from '../core/media/pacer.ts'
import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'
import { loadLibopus } from './libopus.ts'
import { OPUS_LIBRARY_NAME, OPUS_SPEECH, createOpusEncoder } from './opus.ts'
import { OPUS_PACKAGE } from './opus-package.ts'
import type { OpusEncoderOptions, OpusLibrary } from './opus-library.ts'

const system = loadLibopus()
const LIBRARIES: [string, OpusLibrary][] = [['the package', OPUS_PACKAGE]]
if (system !== undefined) LIBRARIES.push(['the system', system])

test('the library of the system comes before that of the package', () => {
  expect(OPUS_LIBRARY_NAME).toBe(system?.name ?? OPUS_PACKAGE.name)
})

describe.each(LIBRARIES)('Opus of %s', (_, library) => {
  test('carries a tone through at its level and pitch', () => {
    const encoder = library.createEncoder(OPUS_SPEECH)
    const decoder = library.createDecoder()
    const heard: number[] = []
    for (let frame = 0; frame < 50; frame++) {
      const packet = encode(encoder, tone(440, BACKEND_SAMPLE_RATE_HZ, FRAME_SAMPLES, frame * FRAME_SAMPLES))
      expect(packet.length).toBeLessThan(200)
      const samples = decode(decoder, packet)
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
    expect(decode(library.createDecoder(), packet).length).toBe(24 * millis)
  })

  test('mixes stereo down', () => {
    const encoder = new Encoder({ channels: 2, sample_rate: 48_000, application: 'voip' })
    const decoder = library.createDecoder()
    const left = tone(440, 48_000, 960)
    const interleaved = Int16Array.from({ length: 1_920 }, (_, index) =>
      index % 2 === 0 ? (left[index / 2] ?? 0) : 0,
    )
    let samples: Int16Array = new Int16Array(0)
    for (let frame = 0; frame < 10; frame++) samples = decode(decoder, encoder.encode(interleaved))
    expect(samples.length).toBe(FRAME_SAMPLES)
    expect(rms(samples)).toBeGreaterThan(1_500)
    expect(rms(samples)).toBeLessThan(4_500)
  })

  test('conceals lost frames with the sound before them, fading, and recovers', () => {
    const decoder = library.createDecoder()
    expect(rms(decoder.conceal(FRAME_MILLIS))).toBe(0)
    const packets = encodedTone(library.createEncoder(OPUS_SPEECH), 40)
    for (const packet of packets.slice(0, 20)) decode(decoder, packet)
    const concealed = Array.from({ length: 8 }, () => decoder.conceal(FRAME_MILLIS).slice())
    expect(concealed.map((samples) => samples.length)).toEqual(Array(8).fill(FRAME_SAMPLES))
    expect(rms(concealed[0] ?? [])).toBeGreaterThan(2_000)
    expect(rms(concealed[7] ?? [])).toBeLessThan(300)
    let last: Int16Array = new Int16Array(0)
    for (const packet of packets.slice(28)) last = decode(decoder, packet)
    expect(rms(last)).toBeGreaterThan(4_000)
  })

  test('conceals as much as it is asked for', () => {
    const decoder = library.createDecoder()
    decode(decoder, encodedTone(library.createEncoder(OPUS_SPEECH), 1)[0]!)
    for (const millis of [20, 40, 60, 120]) expect(decoder.conceal(millis).length).toBe(24 * millis)
  })

  test('returns nothing for bad packets and goes on', () => {
    const decoder = library.createDecoder()
    expect(decoder.decode(new Uint8Array(0), 0, 0)).toBeUndefined()
    expect(decoder.decode(new Uint8Array(8), 4, 8)).toBeUndefined()
    expect(decoder.decode(Uint8Array.of(0xff), 0, 1)).toBeUndefined()
    const [packet] = encodedTone(library.createEncoder(OPUS_SPEECH), 1)
    expect(decode(decoder, packet!).length).toBe(FRAME_SAMPLES)
  })

  test('takes any bytes and gives at most 120 ms', () => {
    const decoder = library.createDecoder()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isFec) => {
        const samples = isFec
          ? decoder.recover(bytes, 0, bytes.length, FRAME_MILLIS)
          : decoder.decode(bytes, 0, bytes.length)
        expect(samples?.length ?? 0).toBeLessThanOrEqual(2_880)
      }),
      { numRuns: 500 },
    )
  })

  test('refuses frames of another length than 20 ms, and room that is not there', () => {
    const encoder = library.createEncoder(OPUS_SPEECH)
    const memory = new Uint8Array(10)
    expect(() => encoder.encode(new Int16Array(FRAME_SAMPLES - 1), memory, 0, 10)).toThrow(RangeError)
    expect(() => encoder.encode(tone(440, 24_000, FRAME_SAMPLES), memory, 8, 3)).toThrow(RangeError)
  })
})

describe.runIf(system !== undefined)('Opus of the system, beyond that of the package', () => {
  const library = system ?? OPUS_PACKAGE

  test('decodes lost speech from its successors, closer to the original than concealment is', () => {
    const packets = speechPackets({ ...OPUS_SPEECH, expectedLossPercent: 20 })
    let recoveredError = 0
    let concealedError = 0
    for (let lost = LEAD; lost + 1 < packets.length; lost += LEAD) {
      const heard = (replace: (decoder: VoiceDecoder) => Int16Array | undefined): Int16Array => {
        const decoder = library.createDecoder()
        for (const packet of packets.slice(lost - LEAD, lost)) decode(decoder, packet)
        return (replace(decoder) ?? new Int16Array(0)).slice()
      }
      const successor = packets[lost + 1]!
      const original = heard((decoder) => decode(decoder, packets[lost]!))
      const recovered = heard((decoder) => decoder.recover(successor, 0, successor.length, FRAME_MILLIS))
      expect(recovered.length).toBe(FRAME_SAMPLES)
      recoveredError += error(recovered, original)
      concealedError += error(
        heard((decoder) => decoder.conceal(FRAME_MILLIS)),
        original,
      )
    }
    expect(recoveredError).toBeLessThan(concealedError / 2)
  })

  test('closes the line in silence when it is told to', () => {
    const encoder = library.createEncoder({ ...OPUS_SPEECH, dtx: true })
    const lengths = Array.from({ length: 60 }, () => encode(encoder, new Int16Array(FRAME_SAMPLES)).length)
    expect(lengths.slice(30).filter((length) => length <= 2).length).toBeGreaterThan(25)
  })

  test('refuses settings that libopus has not', () => {
    expect(() => library.createEncoder(OPUS_SPEECH).expectLoss(101)).toThrow(RangeError)
  })
})

/** Frames before a loss, so that a decoder knows the voice. */
const LEAD = 6

function encodedTone(encoder: VoiceEncoder, frames: number): Uint8Array[] {
  return Array.from({ length: frames }, (_, frame) =>
    encode(encoder, tone(440, BACKEND_SAMPLE_RATE_HZ, FRAME_SAMPLES, frame * FRAME_SAMPLES)),
  )
}

function encode(encoder: VoiceEncoder, samples: Int16Array): Uint8Array {
  const memory = new Uint8Array(500)
  return memory.slice(0, encoder.encode(samples, memory, 0, memory.length))
}

function decode(decoder: VoiceDecoder, packet: Uint8Array): Int16Array {
  const samples = decoder.decode(packet, 0, packet.length)
  if (samples === undefined) throw new Error('not decoded')
  return samples
}

function tone(hertz: number, rate: number, length: number, offset = 0): Int16Array {
  return Int16Array.from(
    { length },
    (_, index) => 8_000 * Math.sin((2 * Math.PI * hertz * (offset + index)) / rate),
  )
}

/** The test callers' sentence, coded. */
function speechPackets(options: OpusEncoderOptions): Uint8Array[] {
  const sound = readWav(readFileSync(new URL('../../tests/audio/speech.wav', import.meta.url)))
  if (typeof sound === 'string') throw new Error(sound)
  const samples = sound.samples.filter((_, index) => index % 2 === 0)
  const encoder = createOpusEncoder(options)
  return Array.from({ length: Math.floor(samples.length / FRAME_SAMPLES) }, (_, frame) =>
    encode(encoder, samples.slice(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES)),
  )
}

function error(a: Int16Array, b: Int16Array): number {
  return a.reduce((sum, sample, index) => sum + (sample - (b[index] ?? 0)) ** 2, 0)
}

function rms(samples: Iterable<number>): number {
  const squares = Array.from(samples, (sample) => sample * sample)
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
}

function risingCrossings(samples: readonly number[]): number {
  return samples.filter((sample, index) => sample >= 0 && (samples[index - 1] ?? 0) < 0).length
}
