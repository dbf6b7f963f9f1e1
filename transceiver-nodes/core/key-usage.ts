/** How many calls each API key has here, for this transceiver's record: docs/client-secrets.md. */

import { MAX_COUNTED_KEYS } from '#shared/fleet/record'

/** Counts calls by the API key that they were placed with. */
export class KeyUsage {
  readonly #callsByKey = new Map<string, number>()

  /** Counts a call of `keyId`; calls of nobody's key are not counted. */
  add(keyId: string | undefined): void {
    if (keyId !== undefined) this.#callsByKey.set(keyId, (this.#callsByKey.get(keyId) ?? 0) + 1)
  }

  /** Takes back one `add` of the same key. */
  remove(keyId: string | undefined): void {
    if (keyId === undefined) return
    const calls = (this.#callsByKey.get(keyId) ?? 0) - 1
    if (calls > 0) this.#callsByKey.set(keyId, calls)
    else this.#callsByKey.delete(keyId)
  }

  /** The calls of each key, by `mostCalls`. */
  toRecord(): Readonly<Record<string, number>> {
    return mostCalls(Object.fromEntries(this.#callsByKey))
  }
}

/** Returns the calls of each key; of more keys than a node's record takes, those with the most calls. */
export function mostCalls(callsByKey: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const most = Object.entries(callsByKey).toSorted(([, a], [, b]) => b - a)
  return Object.fromEntries(most.slice(0, MAX_COUNTED_KEYS))
}
