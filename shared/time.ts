/**
 * The two clocks of the system, as types that cannot be mixed.
 *
 * Pure code is told the time: every function that needs it takes it as its last argument. Elapsed time is
 * `Millis` of a monotonic clock and is retained only as deadlines; `EpochSeconds` is the wall clock and is
 * used only for what outlives a process: token expiry, registry leases, signatures.
 */

declare const millis: unique symbol
declare const epochSeconds: unique symbol

/** Milliseconds of a monotonic clock with an arbitrary zero; may carry a fraction. */
export type Millis = number & { readonly [millis]: true }

/** Whole seconds since 1970-01-01T00:00:00Z. */
export type EpochSeconds = number & { readonly [epochSeconds]: true }

/** Takes `value` as a reading of a monotonic clock, or as a sum of one and a duration. */
export function millisOf(value: number): Millis {
  return value as Millis
}

/** Takes `value` as a reading of the wall clock; a fraction is cut off. */
export function epochSecondsOf(value: number): EpochSeconds {
  return Math.floor(value) as EpochSeconds
}
