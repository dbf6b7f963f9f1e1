/** What a benchmark says of many measurements of one thing. */

/** The median, the 95th and 99th percentile and the largest, in the measurements' unit, to one decimal. */
export interface Quantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Summarises measurements, of which there must be one. */
export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b)
  return { p50: rank(sorted, 0.5), p95: rank(sorted, 0.95), p99: rank(sorted, 0.99), max: rank(sorted, 1) }
}

/** The nearest rank: a value that was measured, never one between two. */
function rank(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('nothing was measured')
  return Math.round(value * 10) / 10
}
