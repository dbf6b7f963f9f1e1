import { expect, test } from 'vitest'
import { PitchRepeater } from './pitch-repeater.ts'

const FRAME = 160

test('goes on with a voice in its pitch and phase, and fades to nothing in 60 ms', () => {
  const repeater = new PitchRepeater()
  for (let frame = 0; frame < 5; frame++) repeater.hear(voice(frame * FRAME))
  const made = Array.from({ length: 4 }, () => {
    const frame = new Int16Array(FRAME)
    repeater.standIn(frame)
    return frame
  })
  const expected = voice(5 * FRAME)
  for (let i = 0; i < 80; i++) expect(Math.abs(made[0]![i]! - expected[i]!)).toBeLessThan(400)
  expect(made.map(rms).every((level, i, levels) => i === 0 || level < levels[i - 1]!)).toBe(true)
  expect(rms(made[3]!)).toBe(0)
})

test('joins what it made up to the sound that returns, without a step', () => {
  const repeater = new PitchRepeater()
  for (let frame = 0; frame < 5; frame++) repeater.hear(voice(frame * FRAME))
  const made = new Int16Array(FRAME)
  repeater.standIn(made)
  const back = voice(6 * FRAME + 37)
  repeater.hear(back)
  const largestStep = Math.max(...voice(0).map((sample, i, all) => Math.abs(sample - (all[i - 1] ?? sample))))
  expect(Math.abs(back[0]! - made.at(-1)!)).toBeLessThan(largestStep)
  expect(back.slice(40)).toEqual(voice(6 * FRAME + 37).slice(40))
})

test('makes silence of silence', () => {
  const frame = new Int16Array(FRAME).fill(1)
  new PitchRepeater().standIn(frame)
  expect(rms(frame)).toBe(0)
})

/** A voice of 100 Hz. */
function voice(offset: number): Int16Array {
  return Int16Array.from({ length: FRAME }, (_, i) => {
    const phase = (2 * Math.PI * 100 * (offset + i)) / 8_000
    return 5_000 * Math.sin(phase) + 2_000 * Math.sin(3 * phase + 1)
  })
}

function rms(samples: Int16Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
}
