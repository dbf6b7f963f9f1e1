import { expect, test } from 'vitest'
import { speechSample } from './test-call.ts'
import { DETECTOR_FRAME_SAMPLES, SpeechDetector } from './vad.ts'

function verdicts(samples: Int16Array, threshold = 0.5): boolean[] {
  const detector = new SpeechDetector(threshold)
  const found: boolean[] = []
  for (let at = 0; at + DETECTOR_FRAME_SAMPLES <= samples.length; at += DETECTOR_FRAME_SAMPLES) {
    found.push(detector.isSpeech(samples.subarray(at, at + DETECTOR_FRAME_SAMPLES)))
  }
  detector.close()
  return found
}

const share = (found: readonly boolean[]) => found.filter(Boolean).length / found.length

/** A second of white noise, the same in every run. */
function noise(amplitude: number): Int16Array {
  let state = 1
  return Int16Array.from({ length: 24_000 }, () => {
    state = (state * 48_271) % 2_147_483_647
    return (state / 2_147_483_647 - 0.5) * 2 * amplitude
  })
}

test('hears the speech in the sample, and the silence around it', () => {
  const found = verdicts(speechSample())
  expect(share(found.slice(0, 25))).toBe(0)
  expect(share(found.slice(25, 25 + 180))).toBeGreaterThan(0.9)
  expect(share(found.slice(-100))).toBe(0)
})

test('hears quiet speech', () => {
  const quiet = speechSample().map((sample) => sample / 10)
  expect(share(verdicts(quiet).slice(25, 25 + 180))).toBeGreaterThan(0.8)
})

test('takes steady noise for speech no longer than a turn must last', () => {
  const found = verdicts(noise(300))
  expect(found.lastIndexOf(true)).toBeLessThan(6)
})

test('is the surer, the higher the threshold', () => {
  const speech = speechSample()
  expect(share(verdicts(speech, 1))).toBeLessThan(share(verdicts(speech, 0)))
})

test('frees what it holds', () => {
  // Kept, 50,000 of them take 100 MB.
  const before = process.memoryUsage().rss
  for (let i = 0; i < 50_000; i++) new SpeechDetector(0.5).close()
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
})
