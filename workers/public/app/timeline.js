// @ts-check
/**
 * The timeline of a call, as numbers: what happened when, in the browser and in the transceiver.
 *
 * Zero is the moment the microphone was granted, so that the time a person takes to answer the browser's
 * question does not drown the machine's. The transceiver counts from the moment the offer reached it;
 * its marks are placed by halving the part of the POST that it did not spend itself, as NTP does
 * (RFC 5905 section 8). Drawing is `timeline-view.js`.
 */

/**
 * @typedef {'click' | 'microphone' | 'secret' | 'offer' | 'answer' | 'ice' | 'connected' | 'channel'
 *   | 'firstAudioIn'} BrowserMark
 * @typedef {Partial<Record<BrowserMark, number>>} BrowserMarks  values of `performance.now()`
 *
 * @typedef {object} TimelineRow
 * @property {string} key     unique, for tests and for the view
 * @property {'browser' | 'transceiver'} side
 * @property {string} label
 * @property {number} [at]    milliseconds after zero; absent while it has not happened
 * @property {number} [from]  where its span starts: the mark before it on the same side
 */

/**
 * Lays out every mark, those that have not happened included, in the order a call goes through them.
 * @param {BrowserMarks} marks
 * @param {import('./path.js').ServerTimeline} server
 * @returns {TimelineRow[]}
 */
export function timelineRows(marks, server) {
  const zero = marks.microphone ?? marks.click ?? 0
  const serverZero = placeServerClock(marks, server)
  /** @type {{ browser?: number, transceiver?: number }} */
  const before = {}
  return STEPS.map(({ key, side, label, mark }) => {
    const time =
      side === 'browser' ? marks[/** @type {BrowserMark} */ (mark)] : serverTime(serverZero, server, mark)
    /** @type {TimelineRow} */
    const row = { key, side, label }
    if (time === undefined) return row
    const from = before[side]
    row.at = time - zero
    // Browsers open the channel a moment before they report the connection: a span never runs backwards.
    row.from = Math.min(from ?? row.at, row.at)
    before[side] = row.at
    return row
  })
}

/**
 * The two figures that sum a call up: until it was connected, and until the agent was heard, both from
 * the moment the microphone was granted.
 * @param {BrowserMarks} marks
 */
export function headlineFigures({ microphone, connected, firstAudioIn }) {
  return { connected: elapsed(microphone, connected), heard: elapsed(microphone, firstAudioIn) }
}

/**
 * Maps a time to a fraction of the drawing's width. The scale is a square root: a connection takes tens
 * of milliseconds, an answer a second or two, and both must be readable.
 * @param {number} at
 * @param {number} span  the time at the right edge
 */
export function scaleFraction(at, span) {
  return Math.sqrt(Math.min(Math.max(at, 0), span) / span)
}

/**
 * Chooses the time at the right edge: the smallest round one that holds every row.
 * @param {readonly TimelineRow[]} rows
 */
export function scaleSpan(rows) {
  const last = Math.max(...rows.map((row) => row.at ?? 0))
  if (last <= 0) return IDLE_SPAN
  return ROUND_TIMES.find((time) => time >= last) ?? last
}

/**
 * The round times to label on a scale that ends at `span`, its end included, none too close to the next.
 * @param {number} span
 */
export function scaleTicks(span) {
  const ticks = [span]
  for (const time of ROUND_TIMES.toReversed()) {
    const room = scaleFraction(ticks[0] ?? span, span) - scaleFraction(time, span)
    if (room >= TICK_DISTANCE && scaleFraction(time, span) >= TICK_DISTANCE / 2) ticks.unshift(time)
  }
  return ticks
}

/**
 * Reads a `Server-Timing` header (W3C Server Timing section 3.1) into names and durations.
 * @param {string} header
 * @returns {{ name: string, millis: number }[]}
 */
export function readServerTiming(header) {
  return header.split(',').flatMap((metric) => {
    const [name = '', ...parameters] = metric.split(';').map((part) => part.trim())
    const duration = parameters.find((parameter) => parameter.startsWith('dur='))?.slice('dur='.length)
    const millis = Number(duration)
    return name === '' || duration === undefined || Number.isNaN(millis) ? [] : [{ name, millis }]
  })
}

/**
 * @param {BrowserMarks} marks
 * @param {import('./path.js').ServerTimeline} server
 */
function placeServerClock({ offer, answer }, server) {
  if (offer === undefined || answer === undefined) return undefined
  const spent = (server.answer ?? 0) - (server.offer ?? 0)
  return offer + Math.max(0, answer - offer - spent) / 2 - (server.offer ?? 0)
}

/**
 * @param {number | undefined} serverZero
 * @param {import('./path.js').ServerTimeline} server
 * @param {string} mark
 */
function serverTime(serverZero, server, mark) {
  const millis = server[/** @type {import('./path.js').ServerMark} */ (mark)]
  return serverZero === undefined || millis === undefined ? undefined : serverZero + millis
}

/**
 * @param {number | undefined} from
 * @param {number | undefined} to
 */
function elapsed(from, to) {
  return from === undefined || to === undefined ? undefined : to - from
}

/** @type {readonly { key: string, side: 'browser' | 'transceiver', label: string, mark: string }[]} */
const STEPS = [
  { key: 'click', side: 'browser', label: 'Talk pressed', mark: 'click' },
  { key: 'microphone', side: 'browser', label: 'Microphone granted', mark: 'microphone' },
  { key: 'secret', side: 'browser', label: 'Key received', mark: 'secret' },
  { key: 'offer', side: 'browser', label: 'Offer sent', mark: 'offer' },
  { key: 'server-offer', side: 'transceiver', label: 'Offer in', mark: 'offer' },
  { key: 'server-answer', side: 'transceiver', label: 'Answer out', mark: 'answer' },
  { key: 'answer', side: 'browser', label: 'Answer received', mark: 'answer' },
  { key: 'server-first-check', side: 'transceiver', label: 'First check answered', mark: 'firstCheck' },
  { key: 'ice', side: 'browser', label: 'ICE connected', mark: 'ice' },
  { key: 'server-connected', side: 'transceiver', label: 'DTLS connected', mark: 'connected' },
  { key: 'connected', side: 'browser', label: 'DTLS connected', mark: 'connected' },
  { key: 'channel', side: 'browser', label: 'Channel open', mark: 'channel' },
  { key: 'server-first-audio-in', side: 'transceiver', label: 'First audio from you', mark: 'firstAudioIn' },
  { key: 'server-first-audio-out', side: 'transceiver', label: 'First audio sent', mark: 'firstAudioOut' },
  { key: 'first-audio-in', side: 'browser', label: 'Agent heard', mark: 'firstAudioIn' },
]

/** Milliseconds. */
const ROUND_TIMES = [10, 25, 50, 100, 250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000]
const IDLE_SPAN = 1000
/** As a share of the scale: room for a label of three digits on a phone. */
const TICK_DISTANCE = 0.28
