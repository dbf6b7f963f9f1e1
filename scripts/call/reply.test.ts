import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { writeWav } from '#shared/wav'
import { Reply } from './reply.ts'
import { Speech } from './speech.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firsthop-call-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('Speech and Reply', () => {
  test.each([8_000, 16_000, 24_000, 48_000])('carry a tone at %i Hz and measure it', (rate) => {
    const speech = Speech.open(wavFile(rate, 1.01))
    const reply = new Reply(10)
    let frames = 0
    while (!speech.isOver) reply.handlePacket(frames++ * 960, speech.nextPacket())
    expect(frames).toBe(51)
    expect(reply.receivedPackets).toBe(51)
    expect(reply.seconds).toBeGreaterThan(0.95)
    expect(reply.rms).toBeGreaterThan(5_000)
    expect(reply.rms).toBeLessThan(6_500)
    expect(reply.sound).toMatchObject({ sampleRateHz: 24_000, samples: { length: 51 * 480 } })
  })

  test('say silence when the file is over, which counts as nothing heard', () => {
    const speech = Speech.open(wavFile(48_000, 0.02))
    const reply = new Reply(10)
    speech.nextPacket()
    for (let frame = 0; frame < 20; frame++) speech.nextPacket()
    expect(reply.handlePacket(0, speech.nextPacket())).toBe(false)
    expect(reply).toMatchObject({ seconds: 0, rms: 0, receivedPackets: 1 })
  })

  test('lay packets out by their timestamps, across the wrap and within the time kept', () => {
    const speech = Speech.open(wavFile(48_000, 1))
    const reply = new Reply(1)
    reply.handlePacket(2 ** 32 - 960, speech.nextPacket())
    reply.handlePacket(9 * 960, speech.nextPacket())
    expect(reply.sound.samples.length).toBe(11 * 480)
    reply.handlePacket(1_000_000, speech.nextPacket())
    expect(reply.sound.samples.length).toBe(11 * 480)
    expect(reply.handlePacket(0, new Uint8Array(0))).toBe(false)
  })

  test('refuse files that Opus cannot take', () => {
    expect(() => Speech.open(join(folder, 'absent.wav'))).toThrow('cannot be read')
    expect(() => Speech.open(wavFile(44_100, 0.1))).toThrow('44100 Hz')
    const path = join(folder, 'text.wav')
    writeFileSync(path, 'not a WAV file, though long enough to be one, if only its words were right')
    expect(() => Speech.open(path)).toThrow('wav-not-riff')
  })
})

function wavFile(sampleRateHz: number, seconds: number): string {
  const samples = Int16Array.from({ length: sampleRateHz * seconds }, (_, index) => {
    return 8_000 * Math.sin((2 * Math.PI * 440 * index) / sampleRateHz)
  })
  const path = join(folder, `${sampleRateHz}-${seconds}.wav`)
  writeFileSync(path, writeWav({ sampleRateHz, samples }))
  return path
}
