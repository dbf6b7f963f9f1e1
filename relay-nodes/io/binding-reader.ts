/**
 * Looks flows up in the store, one read at a time and few in the long run: docs/recovery.md.
 *
 * A read takes everything that is wanted when it leaves; what comes meanwhile goes with the next. The budget
 * allows for a balancer that moves thousands of flows at once, and makes a flood of made-up ones cheap.
 */

import type { BindingStore } from '#shared/platform/binding-store'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import { parseBindingValue } from '../core/binding-row.ts'
import { TokenBucket } from '#shared/token-bucket'
import { MAX_FIELDS, takeSome } from './binding-writer.ts'

/** Takes the route word of a flow; `undefined`: nobody knows it, or the store did not say. */
export type FlowAnswer = (route: number | undefined) => void

/** Reads the rows of one VIP. */
export class BindingReader {
  /** Reads of single rows, and of all rows; those that failed; flows found; look-ups refused because too many waited. */
  reads = 0
  fullReads = 0
  failures = 0
  found = 0
  overflows = 0
  readonly #store: BindingStore
  readonly #log: Log
  readonly #answerByField = new Map<string, FlowAnswer>()
  readonly #budget = new TokenBucket(READ_BURST, READS_PER_SECOND, monotonicNow())
  #isReading = false
  #isFailing = false
  #timer: NodeJS.Timeout | undefined

  constructor(store: BindingStore, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Looks a flow up; of two questions about one flow the later is answered. */
  find(field: string, answer: FlowAnswer): void {
    if (this.#answerByField.size < MAX_WAITING || this.#answerByField.has(field)) {
      this.#answerByField.set(field, answer)
    } else {
      this.overflows++
      answer(undefined)
    }
  }

  /** Sends what is wanted as soon as it may leave; `onAnswered` is called after each batch of answers. */
  flush(onAnswered: () => void): void {
    if (this.#isReading || this.#timer !== undefined || this.#answerByField.size === 0) return
    const now = monotonicNow()
    if (this.#budget.take(now)) void this.#read(onAnswered)
    else {
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined
          this.flush(onAnswered)
        },
        this.#budget.nextAt(now) - now,
      )
    }
  }

  /** Reads every row, as fields and values in turn; none if the store cannot be read. */
  async readAll(): Promise<string[]> {
    this.fullReads++
    return (await this.#attempt(() => this.#store.readAll())) ?? []
  }

  /** Forgets what is wanted. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#answerByField.clear()
  }

  async #read(onAnswered: () => void): Promise<void> {
    this.#isReading = true
    this.reads++
    const answerByField = takeSome(this.#answerByField, MAX_FIELDS)
    const values = await this.#attempt(() => this.#store.read([...answerByField.keys()]))
    for (const [i, answer] of [...answerByField.values()].entries()) {
      const route = liveRoute(values?.[i] ?? '')
      if (route !== undefined) this.found++
      answer(route)
    }
    onAnswered()
    this.#isReading = false
    this.flush(onAnswered)
  }

  async #attempt<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await read()
      if (this.#isFailing) this.#log.info('Bindings can be read again')
      this.#isFailing = false
      return result
    } catch (error) {
      this.failures++
      if (!this.#isFailing) this.#log.warn('Bindings cannot be read', { error: error as Error })
      this.#isFailing = true
      return undefined
    }
  }
}

/** Returns the route of a value that still holds; `undefined` for any other text. */
export function liveRoute(value: string): number | undefined {
  const binding = parseBindingValue(value)
  return binding === undefined || binding.expiresAt <= epochNow() ? undefined : binding.route
}

/** Reads at once, when a balancer has moved thousands of flows here, and per second in the long run. */
export const READ_BURST = 20
export const READS_PER_SECOND = 2

/** Bound on flows that wait to be looked up: what every thread may ask at once, and four times as much. */
const MAX_WAITING = 65_536
