/** A child process that is spoken to in lines: it says `ready`, and answers each line with one. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A running child. */
export class LineProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child
    this.#lines = lines
  }

  /** Starts a command and waits until it is ready; rejects when it ends first. */
  static async start(command: readonly [string, ...string[]]): Promise<LineProcess> {
    const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const process = new LineProcess(child, lines)
    await process.#next(command.join(' '))
    return process
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Sends a line and resolves with the answer. */
  async ask(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`)
    return this.#next(line)
  }

  /** Ends the process, wherever it is. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async #next(doing: string): Promise<string> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error(`a process ended at: ${doing}`)
    return next.value
  }
}
