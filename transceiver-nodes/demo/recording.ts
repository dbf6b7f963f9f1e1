/**
 * Keeps the latest stretch of the audio heard: what a turn may still need, and never more than `MAX_RECORDING_MILLIS`.
 *
 * A ring that grows while a turn lasts and shrinks after it, so that a quiet call holds half a second and not
 * fifteen. Positions count samples since the call began.
 */

import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'

/** The audio of one call. */
export class Recording {
  #ring = new Int16Array(MIN_CAPACITY)
  #end = 0
  #start = 0

  /** How many samples were ever heard. */
  get end(): number {
    return this.#end
  }

  /** Takes the next samples; the oldest give way when the ring is at its limit. */
  append(samples: Int16Array): void {
    const wanted = capacityFor(this.#end - this.#start + samples.length)
    if (wanted > this.#ring.length) this.#resize(wanted)
    const kept = samples.subarray(Math.max(0, samples.length - this.#ring.length))
    this.#end += samples.length
    this.#write(this.#end - kept.length, kept)
    this.#start = Math.max(this.#start, this.#end - this.#ring.length)
  }

  /** Says that nothing before `position` will be read. */
  discardBefore(position: number): void {
    this.#start = Math.min(Math.max(this.#start, position), this.#end)
    const wanted = capacityFor(this.#end - this.#start)
    // Not before the content is down to a quarter, or a ring on the edge would be copied again and again.
    if (wanted * 4 <= this.#ring.length) this.#resize(wanted)
  }

  /** Copies out what is still kept of the samples from `from` to `to`. */
  read(from: number, to: number): Int16Array {
    const first = Math.max(from, this.#start)
    const copy = new Int16Array(Math.max(0, Math.min(to, this.#end) - first))
    const at = first % this.#ring.length
    const head = this.#ring.subarray(at, at + copy.length)
    copy.set(head)
    copy.set(this.#ring.subarray(0, copy.length - head.length), head.length)
    return copy
  }

  #write(position: number, samples: Int16Array): void {
    const at = position % this.#ring.length
    const head = samples.subarray(0, this.#ring.length - at)
    this.#ring.set(head, at)
    this.#ring.set(samples.subarray(head.length), 0)
  }

  #resize(capacity: number): void {
    const content = this.read(this.#start, this.#end)
    this.#ring = new Int16Array(capacity)
    this.#write(this.#start, content)
  }
}

/** The smallest capacity that holds `samples`, or the limit. */
function capacityFor(samples: number): number {
  let capacity = MIN_CAPACITY
  while (capacity < samples && capacity < MAX_CAPACITY) capacity *= 2
  return Math.min(capacity, MAX_CAPACITY)
}

/** The longest recording that is kept, and so the longest that is played back. */
export const MAX_RECORDING_MILLIS = 15_000

const MAX_CAPACITY = (MAX_RECORDING_MILLIS * BACKEND_SAMPLE_RATE_HZ) / 1000

/** Half a second: the usual prefix padding and the start of a turn. */
const MIN_CAPACITY = BACKEND_SAMPLE_RATE_HZ / 2
