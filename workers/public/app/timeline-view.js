// @ts-check
/**
 * Draws the timeline: one table that is both the waterfall and its accessible form.
 *
 * Each row has a name, a track and a number; the track is decoration and hidden from assistive
 * technology, the name and the number say the same.
 */

import { formatCount, formatMillis } from './format.js'
import {
  headlineFigures,
  readServerTiming,
  scaleFraction,
  scaleSpan,
  scaleTicks,
  timelineRows,
} from './timeline.js'

/** The timeline's card. */
export class TimelineView {
  #parts
  #drawn = ''

  /**
   * @param {{ rows: HTMLElement, ticks: HTMLElement, connected: HTMLElement, heard: HTMLElement,
   *   worker: HTMLElement }} parts
   */
  constructor(parts) {
    this.#parts = parts
    this.show(undefined)
  }

  /**
   * Brings the card up to date with a call. A table that somebody may be reading is rebuilt only when it
   * says something new.
   * @param {import('./call.js').Call | undefined} call
   */
  show(call) {
    const rows = timelineRows(call?.marks ?? {}, call?.path.timeline ?? {})
    const next = JSON.stringify(rows)
    if (next === this.#drawn) return
    this.#drawn = next
    this.#drawRows(rows)
    const { connected, heard } = headlineFigures(call?.marks ?? {})
    this.#parts.connected.textContent = connected === undefined ? DASH : formatMillis(connected)
    this.#parts.heard.textContent = heard === undefined ? DASH : formatMillis(heard)
    const timings = readServerTiming(call?.placed?.serverTiming ?? '')
    this.#parts.worker.textContent = timings
      .map(({ name, millis }) => `${name} ${formatMillis(millis)}`)
      .join(' \u00b7 ')
  }

  /** @param {import('./timeline.js').TimelineRow[]} rows */
  #drawRows(rows) {
    const span = scaleSpan(rows)
    const ticks = scaleTicks(span)
    this.#parts.rows.replaceChildren(...rows.map((row) => rowOf(row, span)))
    this.#parts.rows.style.setProperty('--grid', ticks.map((tick) => gridLine(tick, span)).join())
    this.#parts.ticks.replaceChildren(...ticks.map((tick) => tickOf(tick, span)))
  }
}

/**
 * @param {import('./timeline.js').TimelineRow} row
 * @param {number} span
 */
function rowOf({ key, side, label, at, from }, span) {
  const row = document.createElement('tr')
  row.dataset['mark'] = key
  row.dataset['side'] = side
  const name = document.createElement('th')
  name.scope = 'row'
  name.append(label, hidden(side === 'transceiver' ? ', transceiver' : ''))
  const track = document.createElement('td')
  track.className = 'track'
  track.ariaHidden = 'true'
  const number = document.createElement('td')
  number.className = 'millis'
  number.textContent = at === undefined ? DASH : formatCount(at)
  if (at !== undefined) {
    row.dataset['millis'] = at.toFixed(2)
    track.append(...barOf(from ?? at, at, span))
  }
  row.append(name, track, number)
  return row
}

/**
 * @param {number} from
 * @param {number} at
 * @param {number} span
 */
function barOf(from, at, span) {
  const start = scaleFraction(from, span)
  const end = scaleFraction(at, span)
  const bar = document.createElement('span')
  bar.className = 'bar'
  bar.style.left = `${100 * start}%`
  bar.style.width = `${100 * (end - start)}%`
  const point = document.createElement('span')
  point.className = 'point'
  point.style.left = `${100 * end}%`
  return [bar, point]
}

/**
 * A line through every track, as one layer of a CSS background.
 * @param {number} tick
 * @param {number} span
 */
function gridLine(tick, span) {
  return `linear-gradient(var(--rule) 0 0) ${100 * scaleFraction(tick, span)}% 0 / 1px 100% no-repeat`
}

/**
 * @param {number} tick
 * @param {number} span
 */
function tickOf(tick, span) {
  const label = document.createElement('span')
  label.textContent = tick < 1000 ? String(tick) : `${tick / 1000} s`
  label.style.left = `${100 * scaleFraction(tick, span)}%`
  return label
}

/** @param {string} text */
function hidden(text) {
  const span = document.createElement('span')
  span.className = 'visually-hidden'
  span.textContent = text
  return span
}

const DASH = '\u2013'
