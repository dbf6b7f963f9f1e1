/**
 * Waiting for a moment in which the machine has nothing else to do, so that a call is timed and not its neighbours.
 * What begins during the call is in its figures all the same.
 */

import { cpus } from 'node:os'

/** Resolves once the processors have been idle for most of a moment; to false when that did not come in time. */
export async function untilQuiet(): Promise<boolean> {
  const deadline = performance.now() + MAX_WAIT
  do {
    const before = processorTimes()
    await new Promise((resolve) => setTimeout(resolve, MOMENT))
    const after = processorTimes()
    if (after.idle - before.idle > QUIET_SHARE * (after.all - before.all)) return true
  } while (performance.now() < deadline)
  return false
}

function processorTimes(): { readonly idle: number; readonly all: number } {
  const times = cpus().map((cpu) => cpu.times)
  const all = times.flatMap((one) => Object.values(one)).reduce((sum, millis) => sum + millis, 0)
  return { idle: times.reduce((sum, { idle }) => sum + idle, 0), all }
}

/** Linux counts processor time in ticks of 10 ms. */
const MOMENT = 300
const QUIET_SHARE = 0.75
/** A machine that is never quiet is measured as it is. */
const MAX_WAIT = 4_000
