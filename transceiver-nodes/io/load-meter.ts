/** How busy a thread is, by the CPU time that it used: what it waits for, polling included, is no load. */

import { monotonicNow } from '#shared/platform/clock'

/** Measures the calling thread once a second. */
export class LoadMeter {
  /** The share of its time that the thread was busy, 0 to 1: the mean of the last seconds, later ones weighing more. */
  load = 0
  /** Is told of each measurement. */
  onLoad: (load: number) => void = () => {}
  readonly #timer: NodeJS.Timeout
  #cpuMicros = cpuMicros()
  #measuredAt = monotonicNow()

  constructor() {
    this.#timer = setInterval(() => this.#measure(), INTERVAL)
  }

  /** Ends measuring. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #measure(): void {
    const [micros, now] = [cpuMicros(), monotonicNow()]
    const latest = (micros - this.#cpuMicros) / 1000 / Math.max(1, now - this.#measuredAt)
    this.load += (latest - this.load) * WEIGHT_OF_LATEST
    this.#cpuMicros = micros
    this.#measuredAt = now
    this.onLoad(this.load)
  }
}

function cpuMicros(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

const INTERVAL = 1_000
/** A burst of handshakes, or a compiler at work, is no load that lasts. */
const WEIGHT_OF_LATEST = 0.4
