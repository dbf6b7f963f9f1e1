/**
 * Keeps what a node last knew of the fleet in a file of its own, for a restart while the store is down:
 * docs/recovery.md, "What is lost with the store".
 *
 * Written when nodes come, go or move, not with each heartbeat; in one step, so that a crash leaves the old file
 * or the new one. A file that is missing or damaged is as good as none.
 */

import { readFile, rename, writeFile } from 'node:fs/promises'
import { parseFleetRecord } from '#shared/fleet/record'
import type { FleetRecord } from '#shared/fleet/record'
import type { Log } from './log.ts'

/** One node's memory of the fleet. */
export class FleetFile {
  readonly #path: string
  readonly #log: Log
  #written = ''
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /** Returns the records as they were last written; none if there is no file, or no valid one. */
  async read(): Promise<FleetRecord[]> {
    const records = await readFile(this.#path, 'utf8').then(parseList).catch(noneOf)
    const valid = records.map(parseFleetRecord).filter((record) => typeof record !== 'string')
    this.#written = namesOf(valid)
    return valid
  }

  /** Writes the records if they name other nodes or other addresses than the file does. */
  write(records: readonly FleetRecord[]): void {
    const names = namesOf(records)
    if (names === this.#written) return
    this.#written = names
    this.#writing = this.#writing.then(() => this.#replace(JSON.stringify(records)))
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#writing
  }

  async #replace(text: string): Promise<void> {
    const next = `${this.#path}.next`
    try {
      await writeFile(next, text, { mode: OWNER_ONLY })
      await rename(next, this.#path)
    } catch (error) {
      this.#written = ''
      this.#log.warn('The fleet cannot be remembered in its file', { error: error as Error })
    }
  }
}

function parseList(text: string): unknown[] {
  const list: unknown = JSON.parse(text)
  return Array.isArray(list) ? list : []
}

function noneOf(): unknown[] {
  return []
}

/** What the next start needs of the records; loads and heartbeats change all the time. */
function namesOf(records: readonly FleetRecord[]): string {
  return JSON.stringify(records, (key, value: unknown) => (VOLATILE.has(key) ? undefined : value))
}

const VOLATILE: ReadonlySet<string> = new Set(['heartbeatAt', 'sessions', 'flows', 'draining'])
const OWNER_ONLY = 0o600
