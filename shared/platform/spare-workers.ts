/**
 * Threads that have everything loaded and built, or are about to, and wait for a seat: docs/relay.md,
 * docs/transceiver.md. A thread says that it is ready by its first message.
 */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'

/** The spares of one process, first come, first seated. */
export class SpareWorkers {
  readonly #entry: URL
  readonly #options: WorkerOptions
  readonly #queue: Worker[] = []
  readonly #loaded = new WeakSet<Worker>()
  /** Those that nobody else will end. */
  readonly #owned = new Set<Worker>()

  /** Has `count` threads load `entry`, all at once. */
  constructor(count: number, entry: URL, options: WorkerOptions) {
    this.#entry = entry
    this.#options = options
    for (let i = 0; i < count; i++) this.add()
  }

  /** Has one more load. */
  add(): void {
    const worker = new Worker(this.#entry, this.#options)
    worker.once('message', () => this.#loaded.add(worker))
    // Whoever takes it is told by the rejection; until then a thread that cannot load must not end the process.
    worker.on('error', () => this.#owned.delete(worker))
    this.#owned.add(worker)
    this.#queue.push(worker)
  }

  /** Takes a thread, which is the caller's from now on; resolves once it has loaded, rejects when it cannot. */
  async take(): Promise<Worker> {
    if (this.#queue.length === 0) this.add()
    const [worker] = this.#queue.splice(0, 1) as [Worker]
    if (!this.#loaded.has(worker)) await once(worker, 'message')
    this.#owned.delete(worker)
    return worker
  }

  /** Ends those that nobody has taken, once they have loaded: koffi aborts the process when it is cut short in that. */
  async stop(): Promise<void> {
    await Promise.all([...this.#owned].map((worker) => this.#end(worker)))
  }

  async #end(worker: Worker): Promise<void> {
    if (!this.#loaded.has(worker)) {
      // One that cannot load ends by itself.
      await Promise.race([once(worker, 'message'), once(worker, 'exit')]).catch(() => {})
    }
    await worker.terminate()
  }
}
