// @ts-check
/**
 * The strip chart: both directions over the last seconds, you above the line, the agent below.
 *
 * It shows what meters cannot: whose turn it is, how long the answer took, where you broke in.
 */

import { FLOOR_DECIBELS, meterFraction } from './levels.js'

/** Draws levels into a canvas, newest at the right. */
export class Strip {
  #canvas
  #context
  /** Loudest level in each slice of time, in dBFS, by slice number modulo the length. */
  #you = new Float32Array(SLICES).fill(FLOOR_DECIBELS)
  #agent = new Float32Array(SLICES).fill(FLOOR_DECIBELS)
  #slice = 0

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
    new ResizeObserver(() => this.#fit()).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw())
  }

  /**
   * Notes the levels of this moment and draws.
   * @param {number} you    dBFS
   * @param {number} agent  dBFS
   * @param {number} now    milliseconds
   */
  show(you, agent, now) {
    const slice = Math.floor(now / SLICE_MILLIS)
    for (let passed = Math.max(this.#slice + 1, slice - SLICES + 1); passed <= slice; passed++) {
      this.#you[passed % SLICES] = this.#agent[passed % SLICES] = FLOOR_DECIBELS
    }
    this.#slice = slice
    const at = slice % SLICES
    this.#you[at] = Math.max(this.#you[at] ?? FLOOR_DECIBELS, you)
    this.#agent[at] = Math.max(this.#agent[at] ?? FLOOR_DECIBELS, agent)
    this.#draw()
  }

  #fit() {
    this.#canvas.width = Math.round(this.#canvas.clientWidth * devicePixelRatio)
    this.#canvas.height = Math.round(this.#canvas.clientHeight * devicePixelRatio)
    this.#draw()
  }

  #draw() {
    const { width, height } = this.#canvas
    const style = getComputedStyle(this.#canvas)
    const middle = Math.round(height / 2)
    this.#context.clearRect(0, 0, width, height)
    this.#context.fillStyle = style.getPropertyValue('--rule')
    this.#context.fillRect(0, middle, width, Math.ceil(devicePixelRatio))
    this.#drawBars(this.#you, style.getPropertyValue('--uplink'), middle, -(middle - 2))
    this.#drawBars(
      this.#agent,
      style.getPropertyValue('--downlink'),
      middle + Math.ceil(devicePixelRatio),
      middle - 2,
    )
  }

  /**
   * @param {Float32Array} levels
   * @param {string} colour
   * @param {number} base   where the bars start
   * @param {number} reach  how far the loudest goes; negative is up
   */
  #drawBars(levels, colour, base, reach) {
    const step = this.#canvas.width / SLICES
    this.#context.fillStyle = colour
    for (let age = 0; age < SLICES; age++) {
      const level = levels[(this.#slice - age + SLICES) % SLICES] ?? FLOOR_DECIBELS
      const left = this.#canvas.width - (age + 1) * step
      this.#context.fillRect(left, base, step * BAR_SHARE, reach * meterFraction(level))
    }
  }
}

/** 12 seconds in slices of 60 ms. */
const SLICE_MILLIS = 60
const SLICES = 200
const BAR_SHARE = 0.7
