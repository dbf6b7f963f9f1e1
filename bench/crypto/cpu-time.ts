/** CPU time of this process, user and system, all threads. */

/** Runs `work` and returns the CPU microseconds it took. */
export function cpuMicros(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The least of `rounds` results of `measure`: what others on the machine do only ever adds to it. */
export function least(rounds: number, measure: () => number): number {
  return Math.min(...Array.from({ length: rounds }, measure))
}
