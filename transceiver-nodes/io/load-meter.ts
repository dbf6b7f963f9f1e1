/** How busy a thread is, by the CPU time that it used: what it waits for, polling included, is no load. */

import { monotonicNow } from '#shared/platform/clock'

/** Measures the calling thread once a second. */
export class LoadMeter {
  /** The share of the last second that the thread was busy, 0 to 1. */
  load = 0
  readonly #timer: NodeJS.Timeout
  #cpuMicros = cpuMicros()
  #measuredAt = monotonicNow()

  /** Tells each measurement to `onLoad`. */
  constructor(onLoad: (load: number) => void) {
    this.#timer = setInterval(() => {
      this.#measure()
      onLoad(this.load)
    }, INTERVAL)
  }

  /** Ends measuring. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #measure(): void {
    const [micros, now] = [cpuMicros(), monotonicNow()]
    this.load = (micros - this.#cpuMicros) / 1000 / Math.max(1, now - this.#measuredAt)
    this.#cpuMicros = micros
    this.#measuredAt = now
  }
}

function cpuMicros(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

const INTERVAL = 1_000
