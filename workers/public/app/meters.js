// @ts-check
/**
 * The sound of a call made visible: two level meters, the strip of the last seconds, pulses on the map.
 *
 * One animation loop drives all of it, and runs only while there is something to show. Chromium delivers
 * a remote stream to an analyser only if an `<audio>` element plays it too: the page's does.
 */

import { FLOOR_DECIBELS, LevelProbe, SILENT_METER, meterFraction, stepMeter } from './levels.js'

/** One `role="meter"` element with a bar and a peak mark inside. */
class LevelMeter {
  state = SILENT_METER
  #element
  #bar
  #peak
  #reading
  #spokenAt = 0

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element
    this.#bar = /** @type {HTMLElement} */ (element.querySelector('.meter-bar'))
    this.#peak = /** @type {HTMLElement} */ (element.querySelector('.meter-peak'))
    this.#reading = /** @type {HTMLElement} */ (element.querySelector('.meter-reading'))
  }

  /**
   * @param {number} decibels
   * @param {number} elapsed
   * @param {number} now
   */
  show(decibels, elapsed, now) {
    this.state = stepMeter(this.state, decibels, elapsed)
    this.#bar.style.transform = `scaleX(${meterFraction(this.state.level).toFixed(3)})`
    this.#peak.style.transform = `translateX(${(100 * meterFraction(this.state.peak) - 100).toFixed(1)}%)`
    if (now - this.#spokenAt < READING_INTERVAL_MILLIS) return
    this.#spokenAt = now
    this.#tell()
  }

  /** Writes the number for readers and for assistive technology, far less often than the bar moves. */
  #tell() {
    const rounded = Math.round(this.state.peak)
    const silent = rounded <= FLOOR_DECIBELS
    this.#reading.textContent = silent ? '\u2212\u221e' : String(rounded).replace('-', '\u2212')
    this.#element.setAttribute('aria-valuenow', String(rounded))
    this.#element.setAttribute('aria-valuetext', silent ? 'silent' : `${rounded} dBFS`)
  }
}

/** Measures and draws both directions of one call after another. */
export class Sound {
  /** @type {AudioContext | undefined} */
  #context
  /** @type {{ you?: LevelProbe, agent?: LevelProbe }} */
  #probes = {}
  #meters
  #strip
  #map
  #onAgentHeard
  #frame = 0
  #last = 0

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.you    the meter of the microphone
   * @param {HTMLElement} parts.agent  the meter of what is heard
   * @param {import('./strip.js').Strip} parts.strip
   * @param {import('./path-map.js').PathMap} parts.map
   * @param {() => void} parts.onAgentHeard  called in every frame in which the agent is audible
   */
  constructor({ you, agent, strip, map, onAgentHeard }) {
    this.#meters = { you: new LevelMeter(you), agent: new LevelMeter(agent) }
    this.#strip = strip
    this.#map = map
    this.#onAgentHeard = onAgentHeard
  }

  /**
   * Starts to measure one direction. To be called after a click, when audio contexts may run.
   * @param {'you' | 'agent'} direction
   * @param {MediaStream} stream
   */
  listen(direction, stream) {
    this.#context ??= new AudioContext({ latencyHint: 'interactive' })
    void this.#context.resume()
    this.#probes[direction]?.close()
    this.#probes[direction] = new LevelProbe(this.#context, stream)
    if (this.#frame === 0) this.#start()
  }

  /** Stops measuring; the meters fall to silence by themselves. */
  stop() {
    this.#probes.you?.close()
    this.#probes.agent?.close()
    this.#probes = {}
    void this.#context?.close()
    this.#context = undefined
  }

  #start() {
    this.#last = performance.now()
    this.#frame = requestAnimationFrame((now) => this.#draw(now))
  }

  /** @param {number} now */
  #draw(now) {
    const elapsed = Math.min(MAX_STEP_MILLIS, Math.max(0, now - this.#last))
    this.#last = now
    const you = this.#probes.you?.readDecibels() ?? FLOOR_DECIBELS
    const agent = this.#probes.agent?.readDecibels() ?? FLOOR_DECIBELS
    if (agent > HEARD_DECIBELS) this.#onAgentHeard()
    this.#meters.you.show(you, elapsed, now)
    this.#meters.agent.show(agent, elapsed, now)
    this.#strip.show(you, agent, now)
    this.#map.show(you, agent, now)
    this.#frame = this.#isOver() ? 0 : requestAnimationFrame((next) => this.#draw(next))
  }

  #isOver() {
    const { you, agent } = this.#meters
    const fallen = you.state.peak <= FLOOR_DECIBELS && agent.state.peak <= FLOOR_DECIBELS
    return this.#context === undefined && fallen && this.#map.isStill
  }
}

/** Above comfort noise and dither, below any voice. */
const HEARD_DECIBELS = -55
const READING_INTERVAL_MILLIS = 250
/** A tab that was hidden continues where it stopped, not with one great leap. */
const MAX_STEP_MILLIS = 100
