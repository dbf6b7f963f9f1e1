/**
 * The data of the local store: keys with a string or a hash each, and an optional end of life.
 *
 * Expired keys are dropped when they are next looked at; whoever counts them drops them all first.
 */

import type { Millis } from '#shared/time'

export type Value = string | Map<string, string>

export class Keyspace {
  readonly #entryByKey = new Map<string, Entry>()
  readonly #now: () => number

  constructor(now: () => Millis) {
    this.#now = now
  }

  read(key: string): Value | undefined {
    return this.#entry(key)?.value
  }

  /** Writes `value`, to live for `lifetime` milliseconds or for ever. */
  write(key: string, value: Value, lifetime?: number): void {
    this.#entryByKey.set(key, {
      value,
      expiresAt: lifetime === undefined ? Infinity : this.#now() + lifetime,
    })
  }

  /** Removes `key`; returns whether it was there. */
  remove(key: string): boolean {
    return this.#entry(key) !== undefined && this.#entryByKey.delete(key)
  }

  /** Gives `key` a new lifetime; returns whether it was there. */
  expire(key: string, lifetime: number): boolean {
    const entry = this.#entry(key)
    if (!entry) return false
    entry.expiresAt = this.#now() + lifetime
    return true
  }

  /** The rest of a key's life in milliseconds, `Infinity` when it has no end, `undefined` without the key. */
  lifetime(key: string): number | undefined {
    const entry = this.#entry(key)
    return entry && entry.expiresAt - this.#now()
  }

  get size(): number {
    for (const key of this.#entryByKey.keys()) this.#entry(key)
    return this.#entryByKey.size
  }

  clear(): void {
    this.#entryByKey.clear()
  }

  #entry(key: string): Entry | undefined {
    const entry = this.#entryByKey.get(key)
    if (!entry || entry.expiresAt > this.#now()) return entry
    this.#entryByKey.delete(key)
    return undefined
  }
}

interface Entry {
  readonly value: Value
  expiresAt: number
}
