/**
 * What a fuzz target is: bytes in, a word out that says what came of them, and an exception when something that must
 * always hold does not.
 *
 * The words are few, so the driver can tell an input that does something new from one that does not: it keeps the
 * former to mutate further. That is its only feedback, in place of a compiler's coverage.
 */

import { inspect, isDeepStrictEqual } from 'node:util'
import type { Random } from './random.ts'

export interface FuzzTarget {
  /** Also the name of its folder in `corpus/`. */
  readonly name: string
  /** Inputs as real peers would send them. */
  readonly seeds: () => Uint8Array[]
  /** Longest input: what the transport lets through, or what is enough to find out. */
  readonly maxBytes: number
  /** How much of the time it gets, in shares; 1 unless said otherwise. */
  readonly shares?: number
  /** Words that a mutation may insert, as the format has them. */
  readonly words?: readonly string[]
  /** Undoes what would end the reading at once, such as a wrong length or checksum: half of the inputs pass it. */
  readonly repair?: (input: Uint8Array, random: Random) => Uint8Array
  /** Runs one input; throws if an invariant breaks. */
  readonly run: (input: Uint8Array) => string
}

/** Throws an error that names what must always hold, unless it does. */
export function mustHold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantError(what)
}

/** Throws unless both are deeply equal. */
export function mustEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new InvariantError(`${what}: ${brief(actual)} is not ${brief(expected)}`)
}

function brief(value: unknown): string {
  return inspect(value, { maxArrayLength: 12, breakLength: Infinity }).slice(0, 300)
}

/** Something that must always hold does not. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}
