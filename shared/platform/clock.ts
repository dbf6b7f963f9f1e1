/** Where both clocks enter the program: the only file of Firsthop that reads them. */

import { epochSecondsOf, millisOf } from '#shared/time'
import type { EpochSeconds, Millis } from '#shared/time'

/** Reads the monotonic clock, in milliseconds with a fraction. */
export function monotonicNow(): Millis {
  return millisOf(performance.now())
}

/** Reads the wall clock, in whole seconds. */
export function epochNow(): EpochSeconds {
  return epochSecondsOf(Date.now() / 1000)
}

/** Reads the wall clock in milliseconds, for RTCP's NTP timestamps only. */
export function epochMillisNow(): number {
  return Date.now()
}
