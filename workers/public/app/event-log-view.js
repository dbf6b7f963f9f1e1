// @ts-check
/**
 * Shows the event log: one row for each event, its JSON behind it, as many rows as the log keeps.
 *
 * The list follows the newest event until somebody scrolls up to read, and follows again once they are
 * back at the end. JSON is written out only when a row is opened.
 */

import { LOG_LIMIT, isFrequent, summarizeEvent } from './event-log.js'
import { formatMoment } from './format.js'

/** The list of events and the controls above it. */
export class EventLogView {
  #log
  #parts
  #follows = true

  /**
   * @param {import('./event-log.js').EventLog} log
   * @param {{ list: HTMLElement, frequent: HTMLInputElement, copy: HTMLButtonElement, save: HTMLButtonElement,
   *   count: HTMLElement }} parts
   */
  constructor(log, parts) {
    this.#log = log
    this.#parts = parts
    parts.list.addEventListener('scroll', () => (this.#follows = isAtEnd(parts.list)), { passive: true })
    parts.frequent.addEventListener('change', () => this.#showAll())
    parts.copy.addEventListener('click', () => void this.#copy())
    parts.save.addEventListener('click', () => this.#save())
    this.#showAll()
  }

  /** @param {import('./event-log.js').LogEntry} entry  already in the log */
  add(entry) {
    this.#count()
    if (!this.#shows(entry)) return
    const { list } = this.#parts
    list.append(rowOf(entry))
    if (list.childElementCount > LOG_LIMIT) list.firstElementChild?.remove()
    this.#follow()
  }

  clear() {
    this.#showAll()
  }

  #showAll() {
    this.#parts.list.replaceChildren(...this.#log.entries.filter((entry) => this.#shows(entry)).map(rowOf))
    this.#count()
    this.#follow()
  }

  /** @param {import('./event-log.js').LogEntry} entry */
  #shows({ event }) {
    return this.#parts.frequent.checked || !isFrequent(event.type)
  }

  #follow() {
    if (this.#follows) this.#parts.list.scrollTop = this.#parts.list.scrollHeight
  }

  #count() {
    const { entries, dropped } = this.#log
    this.#parts.count.textContent = dropped === 0 ? String(entries.length) : `last ${entries.length}`
    this.#parts.copy.disabled = this.#parts.save.disabled = entries.length === 0
  }

  async #copy() {
    await navigator.clipboard.writeText(this.#log.toJson())
    const { copy } = this.#parts
    copy.textContent = 'Copied'
    setTimeout(() => (copy.textContent = 'Copy'), 1500)
  }

  #save() {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([this.#log.toJson()], { type: 'application/json' }))
    link.download = 'firsthop-events.json'
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 0)
  }
}

/** @param {HTMLElement} list */
function isAtEnd(list) {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 24
}

/** @param {import('./event-log.js').LogEntry} entry */
function rowOf({ direction, at, event }) {
  const row = document.createElement('li')
  row.dataset['direction'] = direction
  row.dataset['type'] = event.type
  const details = document.createElement('details')
  const heading = document.createElement('summary')
  heading.append(
    cell('event-time', formatMoment(at)),
    directionCell(direction),
    cell('event-type', event.type),
    cell('event-summary', summarizeEvent(event)),
  )
  details.append(heading)
  details.addEventListener('toggle', () => details.append(jsonOf(event)), { once: true })
  row.append(details)
  return row
}

/** @param {'sent' | 'received'} direction */
function directionCell(direction) {
  const arrow = cell('event-arrow', direction === 'sent' ? '\u2192' : '\u2190')
  arrow.setAttribute('role', 'img')
  arrow.setAttribute('aria-label', direction)
  return arrow
}

/** @param {import('./session.js').RealtimeEvent} event */
function jsonOf(event) {
  const json = document.createElement('pre')
  json.textContent = JSON.stringify(event, undefined, 2)
  json.tabIndex = 0
  return json
}

/**
 * @param {string} className
 * @param {string} text
 */
function cell(className, text) {
  const span = document.createElement('span')
  span.className = className
  span.textContent = text
  return span
}
