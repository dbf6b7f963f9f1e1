/** Threads that have everything loaded and built, or are about to, and wait for a seat: docs/relay.md. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ThreadConfig } from './thread-config.ts'

/** The spares of one process, first come, first seated. */
export class SpareThreads {
  readonly #config: ThreadConfig
  readonly #queue: Worker[] = []
  readonly #loaded = new WeakSet<Worker>()
  /** Those that nobody else will end. */
  readonly #owned = new Set<Worker>()

  /** Has `count` threads load, all at once. */
  constructor(count: number, config: ThreadConfig) {
    this.#config = config
    for (let i = 0; i < count; i++) this.add()
  }

  /** Has one more load. */
  add(): void {
    const worker = new Worker(new URL('./relay-thread.ts', import.meta.url), { workerData: this.#config })
    worker.once('message', () => this.#loaded.add(worker))
    this.#owned.add(worker)
    this.#queue.push(worker)
  }

  /** Takes a thread, which is the caller's from now on; resolves once it has loaded. */
  async take(): Promise<Worker> {
    if (this.#queue.length === 0) this.add()
    const [worker] = this.#queue.splice(0, 1) as [Worker]
    if (!this.#loaded.has(worker)) await once(worker, 'message')
    this.#owned.delete(worker)
    return worker
  }

  /** Ends those that nobody has taken. */
  async stop(): Promise<void> {
    await Promise.all([...this.#owned].map((worker) => worker.terminate()))
  }
}
