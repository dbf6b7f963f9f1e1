/**
 * Tells speech from other sound, 20 ms at a time, with WebRTC's voice activity detector (libfvad).
 *
 * The detector looks at the band up to 4 kHz only, so it is fed 8 kHz. The module is loaded once, when this file
 * is first imported; detectors are then made and freed synchronously. Costs about 20 µs a frame.
 */

// Type checkers that start from a test find the types no other way.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./wasm-modules.d.ts" />
import loadFvad from '@echogarden/fvad-wasm'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { Resampler } from '../io/resampler.ts'

const fvad = await loadFvad()
const {
  _malloc: malloc,
  _fvad_new: newDetector,
  _fvad_free: freeDetector,
  _fvad_set_mode: setMode,
  _fvad_set_sample_rate: setSampleRate,
  _fvad_process: detect,
} = fvad

/** One stream's detector; it holds WebAssembly memory until it is closed. */
export class SpeechDetector {
  readonly #detector: number
  readonly #resampler: Resampler

  /** `threshold` is the API's, 0 to 1: the higher, the surer the detector must be. */
  constructor(threshold: number) {
    this.#detector = newDetector()
    setSampleRate(this.#detector, DETECTOR_RATE_HZ)
    setMode(this.#detector, Math.round(threshold * MOST_AGGRESSIVE_MODE))
    this.#resampler = new Resampler(BACKEND_SAMPLE_RATE_HZ, DETECTOR_RATE_HZ, RESAMPLER_QUALITY)
  }

  /** Tells whether the next `DETECTOR_FRAME_SAMPLES` samples of the stream are speech. */
  isSpeech(frame: Int16Array): boolean {
    fvad.HEAP16.set(this.#resampler.push(frame), FRAME_AT / 2)
    return detect(this.#detector, FRAME_AT, FRAME_MILLIS * DETECTOR_SAMPLES_PER_MILLI) === 1
  }

  close(): void {
    freeDetector(this.#detector)
    this.#resampler.close()
  }
}

/** How long a frame is. */
export const FRAME_MILLIS = 20

/** How many samples at the backend's rate make a frame. */
export const DETECTOR_FRAME_SAMPLES = (FRAME_MILLIS * BACKEND_SAMPLE_RATE_HZ) / 1000

const DETECTOR_RATE_HZ = 8000
const DETECTOR_SAMPLES_PER_MILLI = DETECTOR_RATE_HZ / 1000

/** `fvad_set_mode`: 0 quality, 1 low bit rate, 2 aggressive, 3 very aggressive. */
const MOST_AGGRESSIVE_MODE = 3

/** The verdicts on speech do not change above it, the time does. */
const RESAMPLER_QUALITY = 1

const FRAME_AT = malloc(FRAME_MILLIS * DETECTOR_SAMPLES_PER_MILLI * 2)
