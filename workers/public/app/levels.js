// @ts-check
/**
 * Sound levels in dBFS: measured on a stream, then given the ballistics of a meter.
 *
 * The measure is the RMS of the last 1,024 samples, where a full-scale sine reads −3 dBFS. A meter rises at once
 * and falls slowly, so that syllables can be followed; its peak mark stays a moment before it falls too.
 */

/**
 * @typedef {object} MeterState
 * @property {number} level     dBFS, what the bar shows
 * @property {number} peak      dBFS, what the mark shows
 * @property {number} heldFor   milliseconds since the peak was set
 */

/** The lower end of every meter, in dBFS. */
export const FLOOR_DECIBELS = -60

/** @type {MeterState} */
export const SILENT_METER = { level: FLOOR_DECIBELS, peak: FLOOR_DECIBELS, heldFor: 0 }

/** Measures one stream; several probes share one `AudioContext`. */
export class LevelProbe {
  #samples = new Float32Array(1024)
  #source
  #analyser

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   */
  constructor(context, stream) {
    this.#source = context.createMediaStreamSource(stream)
    this.#analyser = new AnalyserNode(context, { fftSize: 2 * this.#samples.length })
    this.#source.connect(this.#analyser)
  }

  readDecibels() {
    this.#analyser.getFloatTimeDomainData(this.#samples)
    return decibelsOf(this.#samples)
  }

  close() {
    this.#source.disconnect()
  }
}

/**
 * The RMS level of samples in −1..1, in dBFS, never below the floor.
 * @param {Float32Array} samples
 */
export function decibelsOf(samples) {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return sum === 0 ? FLOOR_DECIBELS : Math.max(FLOOR_DECIBELS, 10 * Math.log10(sum / samples.length))
}

/**
 * Moves a meter towards `decibels` by `elapsed` milliseconds.
 * @param {MeterState} state
 * @param {number} decibels
 * @param {number} elapsed
 * @returns {MeterState}
 */
export function stepMeter({ level, peak, heldFor }, decibels, elapsed) {
  const fallen = level - LEVEL_FALL_PER_SECOND * (elapsed / 1000)
  const next = Math.max(FLOOR_DECIBELS, decibels, fallen)
  if (next >= peak) return { level: next, peak: next, heldFor: 0 }
  const released = heldFor > PEAK_HOLD_MILLIS ? peak - PEAK_FALL_PER_SECOND * (elapsed / 1000) : peak
  return { level: next, peak: Math.max(next, released), heldFor: heldFor + elapsed }
}

/**
 * Maps dBFS to a fraction of a meter's length.
 * @param {number} decibels
 */
export function meterFraction(decibels) {
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DECIBELS))
}

const LEVEL_FALL_PER_SECOND = 40
const PEAK_FALL_PER_SECOND = 24
const PEAK_HOLD_MILLIS = 900
