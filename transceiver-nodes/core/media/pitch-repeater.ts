/**
 * Conceals lost speech at 8 kHz: repeats the last pitch period, ever softer. docs/audio.md.
 *
 * The idea of ITU-T G.711 appendix I without its refinements: the period is the lag at which the last sound is
 * most like itself; it is repeated as it is for 10 ms and fades to nothing within 60. When sound returns, the
 * repetition goes on beneath its first 4 ms and is faded over, so that there is no click.
 */

/** Remembers one stream and stands in for what is missing of it. */
export class PitchRepeater {
  /** The last sound, the newest at the end. */
  readonly #history = new Int16Array(HISTORY_SAMPLES)
  #period = 0
  /** Samples made up since the last that came. */
  #repeated = 0

  /** Takes sound that came; its beginning is changed when it follows sound that was made up. */
  hear(samples: Int16Array): void {
    if (this.#repeated > 0) this.#fadeOver(samples)
    this.#repeated = 0
    const kept = Math.min(samples.length, HISTORY_SAMPLES)
    this.#history.copyWithin(0, kept)
    for (let i = 0; i < kept; i++) {
      this.#history[HISTORY_SAMPLES - kept + i] = samples[samples.length - kept + i] ?? 0
    }
  }

  /** Fills `into` with what stands for sound that did not come. */
  standIn(into: Int16Array): void {
    if (this.#repeated === 0) this.#period = this.#findPeriod()
    for (let i = 0; i < into.length; i++) into[i] = this.#nextSample()
  }

  #fadeOver(samples: Int16Array): void {
    const length = Math.min(FADE_SAMPLES, samples.length)
    for (let i = 0; i < length; i++) {
      const share = (i + 1) / (length + 1)
      samples[i] = share * (samples[i] ?? 0) + (1 - share) * this.#nextSample()
    }
  }

  #nextSample(): number {
    const phase = this.#repeated % this.#period
    const gain = 1 - (this.#repeated - HOLD_SAMPLES) / (SILENT_SAMPLES - HOLD_SAMPLES)
    this.#repeated++
    return (this.#history[HISTORY_SAMPLES - this.#period + phase] ?? 0) * Math.min(1, Math.max(0, gain))
  }

  /** The lag at which the last 20 ms correlate best with what was before them, for their energy. */
  #findPeriod(): number {
    let best = MAX_PERIOD_SAMPLES
    let bestMatch = 0
    for (let lag = MIN_PERIOD_SAMPLES; lag <= MAX_PERIOD_SAMPLES; lag++) {
      const match = this.#matchAt(lag)
      if (match <= bestMatch) continue
      best = lag
      bestMatch = match
    }
    return best
  }

  #matchAt(lag: number): number {
    let product = 0
    let energy = 1
    for (let i = HISTORY_SAMPLES - WINDOW_SAMPLES; i < HISTORY_SAMPLES; i++) {
      const earlier = this.#history[i - lag] ?? 0
      product += (this.#history[i] ?? 0) * earlier
      energy += earlier * earlier
    }
    return product <= 0 ? 0 : (product * product) / energy
  }
}

/** Pitch from 200 Hz down to 66 Hz, at 8 kHz, as in G.711 appendix I. */
const MIN_PERIOD_SAMPLES = 40
const MAX_PERIOD_SAMPLES = 120

/** 20 ms are compared. */
const WINDOW_SAMPLES = 160
const HISTORY_SAMPLES = WINDOW_SAMPLES + MAX_PERIOD_SAMPLES

/** Loud for 10 ms, silent after 60, as in G.711 appendix I. */
const HOLD_SAMPLES = 80
const SILENT_SAMPLES = 480

/** 4 ms. */
const FADE_SAMPLES = 32
