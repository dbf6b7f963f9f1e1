/**
 * What the threads of a relay and the keeper of its bindings tell each other: docs/recovery.md.
 *
 * A batch is one `Int32Array` of records, which crosses a thread boundary as it is:
 *
 *     one record:  | kind | client, 5 words | route |
 */

import { ENDPOINT_WORDS } from '#shared/endpoint'

/** From a thread: the transceiver of this route has bound the client, or still has. */
export const FLOW_BOUND = 0
/** From a thread: the transceiver has let the client go. */
export const FLOW_UNBOUND = 1
/** From a thread: where does this client's flow lead? */
export const FLOW_WANTED = 2
/** To a thread: to this route. Also comes unasked, when a relay starts. */
export const FLOW_FOUND = 3
/** To a thread: nobody knows. */
export const FLOW_ABSENT = 4

/** Words of one record, and where its client and its route stand. */
export const RECORD_WORDS = ENDPOINT_WORDS + 2
export const RECORD_CLIENT = 1
export const RECORD_ROUTE = 1 + ENDPOINT_WORDS

/** Records on their way into a batch, in memory that is there from the beginning. */
export class FlowRecords {
  readonly #words: Int32Array
  #end = 0

  /** Makes room for `capacity` records. */
  constructor(capacity: number) {
    this.#words = new Int32Array(capacity * RECORD_WORDS)
  }

  get isEmpty(): boolean {
    return this.#end === 0
  }

  get isFull(): boolean {
    return this.#end === this.#words.length
  }

  /** Adds a record about the client at `words[at]`; false: there is no room. */
  push(kind: number, words: Int32Array, at: number, route: number): boolean {
    if (this.isFull) return false
    this.#words[this.#end] = kind
    for (let i = 0; i < ENDPOINT_WORDS; i++) this.#words[this.#end + RECORD_CLIENT + i] = words[at + i] ?? 0
    this.#words[this.#end + RECORD_ROUTE] = route
    this.#end += RECORD_WORDS
    return true
  }

  /** Takes every record out, as a batch that the caller may keep. */
  take(): Int32Array {
    const batch = this.#words.slice(0, this.#end)
    this.#end = 0
    return batch
  }
}
