// @ts-check
/**
 * The record of every event on the data channel, newest last, bounded.
 *
 * It keeps everything up to `LOG_LIMIT`; what is shown of it is the view's choice (`event-log-view.js`).
 */

/**
 * @typedef {object} LogEntry
 * @property {'sent' | 'received'} direction
 * @property {number} at  milliseconds since the call was connected
 * @property {import('./session.js').RealtimeEvent} event
 */

/** How many events are kept. */
export const LOG_LIMIT = 500

/** The last events of one call. */
export class EventLog {
  /** @type {LogEntry[]} */
  entries = []
  /** How many old entries were dropped to stay within the limit. */
  dropped = 0

  /** @param {LogEntry} entry */
  add(entry) {
    this.entries.push(entry)
    if (this.entries.length <= LOG_LIMIT) return
    this.entries.shift()
    this.dropped += 1
  }

  clear() {
    this.entries = []
    this.dropped = 0
  }

  /** The record as a JSON document, one array element for each event. */
  toJson() {
    return JSON.stringify(this.entries, undefined, 2)
  }
}

/**
 * Whether an event is one of the many that say little one by one: a delta, or the page asking for its path.
 * @param {string} type
 */
export function isFrequent(type) {
  return type.endsWith('.delta') || type.startsWith('firsthop.path')
}

/**
 * The few words that tell an event from its neighbours of the same type; empty when the type says it all.
 * @param {import('./session.js').RealtimeEvent} event
 * @returns {string}
 */
export function summarizeEvent(event) {
  const found = [
    event.error?.message,
    event.delta,
    event.transcript,
    event.item?.content?.[0]?.text,
    event.response?.status,
    event.relay?.id,
    event.session?.id,
  ].find((text) => typeof text === 'string')
  return found ?? (typeof event.audio_end_ms === 'number' ? `${event.audio_end_ms} ms` : '')
}
