/**
 * A bounded map from an endpoint (its five words and a scope) to a slot number, with expiry by inactivity.
 *
 * Slots are below the capacity and stay put while their entry lives, so that callers keep what belongs to an
 * entry in arrays of their own. Buckets are probed linearly and closed by backward shift (Knuth, The Art of
 * Computer Programming volume 3, 6.4 algorithm R): no tombstones, so look-ups stay short for ever. A list in
 * the order of activity makes expiry O(1) per expired entry. After construction nothing is allocated.
 *
 *     one entry:  | endpoint 5 words | scope | hash | previous | next | tick |
 *
 * Activity is known in ticks of one second, rounded up: an entry never expires early, and at most one tick late.
 */

import { ENDPOINT_WORDS, isIpv4Words } from './endpoint.ts'
import { halfSipHash } from './half-sip-hash.ts'
import { millisOf } from './time.ts'
import type { Millis } from './time.ts'

/** The map; every `at` is the index of an endpoint's first word. */
export class EndpointTable {
  readonly capacity: number
  readonly #entries: Int32Array
  /** Slot plus one; zero is an empty bucket. At most half of them are taken. */
  readonly #buckets: Int32Array
  readonly #mask: number
  readonly #key0: number
  readonly #key1: number
  #free = 0
  #size = 0

  /**
   * Makes an empty map of up to `capacity` entries. A random `key` keeps anyone from choosing endpoints that
   * collide. Throws a `RangeError` unless `capacity` is an integer from 1 to 2^24.
   */
  constructor(capacity: number, key: readonly [number, number] = [0, 0]) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
      throw new RangeError(`the capacity of an endpoint table is not in 1..${MAX_CAPACITY}: ${capacity}`)
    }
    this.capacity = capacity
    this.#key0 = key[0] | 0
    this.#key1 = key[1] | 0
    // One entry more: the head of the list, whose neighbours are the longest idle and the latest active.
    this.#entries = new Int32Array((capacity + 1) * ENTRY_WORDS)
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(capacity * 2)))
    this.#mask = this.#buckets.length - 1
    for (let slot = 0; slot < capacity; slot++) this.#set(slot, NEXT, slot + 1)
    this.#set(capacity, NEXT, capacity)
    this.#set(capacity, PREVIOUS, capacity)
  }

  get size(): number {
    return this.#size
  }

  /** Returns the slot of an endpoint, or -1. */
  find(words: Int32Array, at: number, scope: number): number {
    return this.#slotIn(this.#probe(this.#hash(words, at, scope), words, at, scope))
  }

  /** Returns the slot of an endpoint, entering it if need be; -1 if the map is full. */
  insert(words: Int32Array, at: number, scope: number, now: Millis): number {
    const hash = this.#hash(words, at, scope)
    const bucket = this.#probe(hash, words, at, scope)
    const known = this.#slotIn(bucket)
    if (known >= 0) {
      this.touch(known, now)
      return known
    }
    if (this.#size === this.capacity) return -1
    const slot = this.#free
    this.#free = this.#word(slot, NEXT)
    for (let i = 0; i < ENDPOINT_WORDS; i++) this.#set(slot, i, words[at + i] ?? 0)
    this.#set(slot, SCOPE, scope)
    this.#set(slot, HASH, hash)
    this.#set(slot, TICK, tickOf(now))
    this.#buckets[bucket] = slot + 1
    this.#link(slot)
    this.#size++
    return slot
  }

  /** Takes note that an entry is active; free of cost but for the first time in a tick. */
  touch(slot: number, now: Millis): void {
    if (now <= this.#word(slot, TICK) * TICK_MILLIS) return
    this.#set(slot, TICK, tickOf(now))
    this.#unlink(slot)
    this.#link(slot)
  }

  /** Returns when an entry was last active, rounded up to a tick. */
  lastActivity(slot: number): Millis {
    return millisOf(this.#word(slot, TICK) * TICK_MILLIS)
  }

  /** Removes an entry; its slot is free for another. */
  remove(slot: number): void {
    const bucket = this.#bucketOf(slot)
    if (bucket < 0) return
    this.#vacate(bucket)
    this.#unlink(slot)
    this.#set(slot, NEXT, this.#free)
    this.#free = slot
    this.#size--
  }

  /**
   * Removes entries whose last activity is before `olderThan`, the longest idle first and at most `limit` of
   * them, and returns how many. Each is told to `onExpired` while it is still there.
   */
  expire(olderThan: Millis, onExpired: (slot: number) => void, limit = Infinity): number {
    let expired = 0
    while (this.#size > 0 && expired < limit) {
      const slot = this.#word(this.capacity, NEXT)
      if (this.lastActivity(slot) >= olderThan) break
      onExpired(slot)
      this.remove(slot)
      expired++
    }
    return expired
  }

  /** Writes the five words of an entry's endpoint. */
  keyOf(slot: number, words: Int32Array, at: number): void {
    for (let i = 0; i < ENDPOINT_WORDS; i++) words[at + i] = this.#word(slot, i)
  }

  /** An IPv4 address is its last word: the other three are the same in all of them. */
  #hash(words: Int32Array, at: number, scope: number): number {
    const skipped = isIpv4Words(words, at) ? 3 : 0
    return halfSipHash(words, at + skipped, ENDPOINT_WORDS - skipped, scope, this.#key0, this.#key1)
  }

  /** Returns the bucket that holds the endpoint, or else the empty one where it belongs. */
  #probe(hash: number, words: Int32Array, at: number, scope: number): number {
    const buckets = this.#buckets
    const entries = this.#entries
    let bucket = hash & this.#mask
    for (;;) {
      const slot = (buckets[bucket] ?? 0) - 1
      if (slot < 0 || isEntryOf(entries, slot * ENTRY_WORDS, hash, words, at, scope)) return bucket
      bucket = (bucket + 1) & this.#mask
    }
  }

  /** Returns the bucket that points at `slot`, or -1 if the slot is free. */
  #bucketOf(slot: number): number {
    let bucket = this.#word(slot, HASH) & this.#mask
    for (;;) {
      const other = this.#slotIn(bucket)
      if (other === slot) return bucket
      if (other < 0) return -1
      bucket = (bucket + 1) & this.#mask
    }
  }

  /** Empties a bucket and moves later entries of the run into the hole, unless that would pass their home. */
  #vacate(bucket: number): void {
    let hole = bucket
    for (;;) {
      bucket = (bucket + 1) & this.#mask
      const slot = this.#slotIn(bucket)
      if (slot < 0) break
      const home = this.#word(slot, HASH) & this.#mask
      if (((bucket - home) & this.#mask) < ((bucket - hole) & this.#mask)) continue
      this.#buckets[hole] = slot + 1
      hole = bucket
    }
    this.#buckets[hole] = 0
  }

  /** Enters a slot at the end of the list, as the latest active. */
  #link(slot: number): void {
    const previous = this.#word(this.capacity, PREVIOUS)
    this.#set(slot, PREVIOUS, previous)
    this.#set(slot, NEXT, this.capacity)
    this.#set(previous, NEXT, slot)
    this.#set(this.capacity, PREVIOUS, slot)
  }

  #unlink(slot: number): void {
    const previous = this.#word(slot, PREVIOUS)
    const next = this.#word(slot, NEXT)
    this.#set(previous, NEXT, next)
    this.#set(next, PREVIOUS, previous)
  }

  #slotIn(bucket: number): number {
    return (this.#buckets[bucket] ?? 0) - 1
  }

  #word(slot: number, field: number): number {
    return this.#entries[slot * ENTRY_WORDS + field] ?? 0
  }

  #set(slot: number, field: number, value: number): void {
    this.#entries[slot * ENTRY_WORDS + field] = value
  }
}

/** Spelled out, with what tells entries apart first: this runs for every packet. */
function isEntryOf(
  entries: Int32Array,
  entry: number,
  hash: number,
  words: Int32Array,
  at: number,
  scope: number,
): boolean {
  return (
    entries[entry + HASH] === hash &&
    entries[entry + 4] === words[at + 4] &&
    entries[entry + 3] === words[at + 3] &&
    entries[entry + 2] === words[at + 2] &&
    entries[entry + 1] === words[at + 1] &&
    entries[entry] === words[at] &&
    entries[entry + SCOPE] === scope
  )
}

/** Seconds since the clock's zero, rounded up: 68 years fit a word. */
function tickOf(now: Millis): number {
  return Math.ceil(now / TICK_MILLIS)
}

const SCOPE = ENDPOINT_WORDS
const HASH = SCOPE + 1
const PREVIOUS = HASH + 1
const NEXT = PREVIOUS + 1
const TICK = NEXT + 1
const ENTRY_WORDS = TICK + 1

const TICK_MILLIS = 1_000
const MAX_CAPACITY = 2 ** 24
