/**
 * Makes tests/audio/speech.wav, what the test callers say: a sentence in the demo agent's own voice, at the 48 kHz
 * that Chromium's fake microphone wants, with silence before it, and enough after it for the turn to end.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeWav } from '#shared/wav'
import { BACKEND_SAMPLE_RATE_HZ } from '../transceiver-nodes/backends/backend.ts'
import { resampleSound } from '../transceiver-nodes/io/resampler.ts'
import { FliteVoice } from '../transceiver-nodes/demo/voice.ts'

const SENTENCE = 'Hello, can you hear me? I am calling you through the relay.'
const SAMPLE_RATE_HZ = 48_000
const SILENCE_BEFORE_SECONDS = 0.5
const SILENCE_AFTER_SECONDS = 2.6

/** The usual level of speech, -20 dB below full scale. */
const SPEECH_RMS = 0.1 * 32_768

const path = fileURLToPath(new URL('../tests/audio/speech.wav', import.meta.url))

const voice = new FliteVoice()
const speech = resampleSound(await voice.speak(SENTENCE), BACKEND_SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
await voice.close()

const gain = SPEECH_RMS / Math.sqrt(speech.reduce((sum, sample) => sum + sample * sample, 0) / speech.length)
const before = SILENCE_BEFORE_SECONDS * SAMPLE_RATE_HZ
const samples = new Int16Array(before + speech.length + SILENCE_AFTER_SECONDS * SAMPLE_RATE_HZ)
speech.forEach((sample, i) => (samples[before + i] = Math.max(-32_768, Math.min(32_767, sample * gain))))
const file = writeWav({ sampleRateHz: SAMPLE_RATE_HZ, samples })
writeFileSync(path, file)
console.log(`${path}: ${(samples.length / SAMPLE_RATE_HZ).toFixed(1)} s, ${file.length} bytes`)
