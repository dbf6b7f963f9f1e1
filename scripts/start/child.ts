/** One process of the local stack: started, watched until it is ready, stopped; and killed by the tests that ask what then happens. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** How a process is watched. */
export interface ChildOptions {
  /** Answers with 2xx once the process is ready. */
  readonly readyUrl: string
  readonly onLine: (part: string, line: string) => void
  /** Starts the process again when it dies by itself. */
  readonly supervise: boolean
}

/** A process that can be started again under the same identity. */
export class Child {
  readonly name: string
  readonly #command: string
  readonly #arguments: readonly string[]
  readonly #environment: Readonly<Record<string, string>>
  readonly #options: ChildOptions
  #process: ChildProcess | undefined

  constructor(
    name: string,
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    options: ChildOptions,
  ) {
    this.name = name
    this.#command = command
    this.#arguments = args
    this.#environment = environment
    this.#options = options
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts the process and resolves when it is ready; rejects when it dies first or takes too long. */
  async start(): Promise<void> {
    const child = spawn(this.#command, this.#arguments, {
      cwd: ROOT,
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    const lines: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        if (lines.length > KEPT_LINES) lines.shift()
        this.#options.onLine(this.name, line)
      })
    }
    const died = once(child, 'exit').then(() => {
      throw new Error(`${this.name} ended before it was ready:\n${lines.join('\n')}`)
    })
    await Promise.race([died, this.#untilReady()])
    died.catch(() => this.#handleDeath(child))
  }

  /** Kills the process as a crash would: no goodbye, no drain. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends the process as an operator would, and kills it when it does not go. */
  async stop(): Promise<void> {
    const giveUp = setTimeout(() => this.#process?.kill('SIGKILL'), STOP_WAIT)
    await this.#end('SIGTERM')
    clearTimeout(giveUp)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    this.#process = undefined
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  #handleDeath(child: ChildProcess): void {
    if (this.#process !== child) return
    this.#process = undefined
    if (!this.#options.supervise) return
    this.#options.onLine(this.name, 'ended by itself, starting it again')
    this.start().catch((error: Error) => this.#options.onLine(this.name, error.message))
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + READY_WAIT
    for (;;) {
      const response = await fetch(this.#options.readyUrl).catch(() => undefined)
      if (response?.ok === true) return
      if (performance.now() > deadline) throw new Error(`${this.name} did not become ready`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Lines shown when a process dies while starting. */
const KEPT_LINES = 20
/** How long a process may take to become ready; the first start of workerd on a cold disk is the slowest. */
const READY_WAIT = 60_000
/** How long a process may take to end when asked. */
const STOP_WAIT = 5_000
