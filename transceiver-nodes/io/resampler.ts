/**
 * Changes the sample rate of 16-bit mono audio with the SpeexDSP resampler, compiled to WebAssembly.
 *
 * The module is loaded once, when this file is first imported; after that everything is synchronous. All
 * resamplers of a thread share one scratch area, so a result is valid until the next call of any of them.
 */

// Type checkers that start from a test find the types no other way.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./speex-resampler.d.ts" />
import loadSpeex from '@echogarden/speex-resampler-wasm/simd'

const speex = await loadSpeex()
const {
  _malloc: malloc,
  _speex_resampler_init: initState,
  _speex_resampler_process_int: pushSamples,
  _speex_resampler_skip_zeros: skipZeros,
  _speex_resampler_get_input_latency: readInputLatency,
  _speex_resampler_destroy: destroyState,
} = speex

/** A stream of audio that changes its rate; it holds WebAssembly memory until it is closed. */
export class Resampler {
  readonly #state: number

  /** `quality` is Speex's, from 0 (8 taps) to 10. */
  constructor(fromHz: number, toHz: number, quality: number) {
    this.#state = initState(1, fromHz, toHz, quality, LENGTHS_AT)
    if (this.#state === 0) throw new RangeError(`cannot resample ${fromHz} Hz to ${toHz} Hz`)
  }

  /** Takes the next samples of the stream, at most `MAX_CHUNK_SAMPLES`, and returns a view of what they become. */
  push(samples: Int16Array): Int16Array {
    speex.HEAP16.set(samples, INPUT_AT / 2)
    speex.HEAPU32[LENGTHS_AT / 4] = samples.length
    speex.HEAPU32[LENGTHS_AT / 4 + 1] = MAX_OUTPUT_SAMPLES
    pushSamples(this.#state, 0, INPUT_AT, LENGTHS_AT, OUTPUT_AT, LENGTHS_AT + 4)
    const length = speex.HEAPU32[LENGTHS_AT / 4 + 1] ?? 0
    return speex.HEAP16.subarray(OUTPUT_AT / 2, OUTPUT_AT / 2 + length)
  }

  /** Drops the delay of the filter from the start of the stream; returns how many zeros push its end out. */
  skipDelay(): number {
    skipZeros(this.#state)
    return readInputLatency(this.#state)
  }

  close(): void {
    destroyState(this.#state)
  }
}

/** Resamples a whole sound, with the delay of the filter taken out. */
export function resampleSound(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  const resampler = new Resampler(fromHz, toHz, SOUND_QUALITY)
  const input = new Int16Array(samples.length + resampler.skipDelay())
  input.set(samples)
  const output = new Int16Array(Math.floor((samples.length * toHz) / fromHz))
  let written = 0
  for (let at = 0; at < input.length; at += MAX_CHUNK_SAMPLES) {
    const chunk = resampler.push(input.subarray(at, at + MAX_CHUNK_SAMPLES))
    output.set(chunk.subarray(0, output.length - written), written)
    written += chunk.length
  }
  resampler.close()
  return output
}

/** The most samples that one `push` takes. */
const MAX_CHUNK_SAMPLES = 4800

/** Enough for a chunk whose rate grows sixfold, 8 to 48 kHz. */
const MAX_OUTPUT_SAMPLES = MAX_CHUNK_SAMPLES * 6 + 64

/** Speex's setting for "desktop" use; a sound is resampled once and then kept. */
const SOUND_QUALITY = 7

const INPUT_AT = malloc(MAX_CHUNK_SAMPLES * 2)
const OUTPUT_AT = malloc(MAX_OUTPUT_SAMPLES * 2)
const LENGTHS_AT = malloc(8)
