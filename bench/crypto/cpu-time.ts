/** CPU time of this process, user and system, all threads. */

/** Runs `work` and returns the CPU microseconds it took. */
export function cpuMicros(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The middle of `rounds` results of `measure`. */
export function median(rounds: number, measure: () => number): number {
  const values = Array.from({ length: rounds }, measure).toSorted((a, b) => a - b)
  return values[Math.floor(rounds / 2)] ?? 0
}
