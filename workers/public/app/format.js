// @ts-check
/**
 * Numbers as the page writes them: durations, counts, levels.
 *
 * One rule for each, so that the same value reads the same in the map, the timeline and the log.
 */

/**
 * Formats a duration for reading at a glance: `4.2 ms`, `42 ms`, `1.24 s`.
 * @param {number} millis
 */
export function formatMillis(millis) {
  if (millis < 10) return `${millis.toFixed(1)} ms`
  if (millis < 1000) return `${Math.round(millis)} ms`
  return `${(millis / 1000).toFixed(2)} s`
}

/**
 * Formats a whole number with a thin group separator and a real minus: `−1 204`.
 * @param {number} value
 */
export function formatCount(value) {
  const digits = String(Math.abs(Math.round(value))).replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return Math.round(value) < 0 ? `\u2212${digits}` : digits
}

/**
 * Formats an elapsed time as a clock: `0:07`, `12:30`, `1:02:03`.
 * @param {number} millis
 */
export function formatClock(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000))
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  const tail = String(seconds % 60).padStart(2, '0')
  return hours === 0 ? `${minutes}:${tail}` : `${hours}:${String(minutes).padStart(2, '0')}:${tail}`
}

/**
 * Formats a moment of the call for the event log, in seconds: `+12.345`.
 * @param {number} millis
 */
export function formatMoment(millis) {
  return `${millis < 0 ? '\u2212' : '+'}${(Math.abs(millis) / 1000).toFixed(3)}`
}
