/**
 * The playout queue of one call: what the backend has said and the client has not been sent yet.
 *
 * A backend speaks faster than real time; the media loop pulls one 20 ms frame per tick. So this queue, and
 * nothing else, knows what the user has heard: `clear` (barge-in) empties it at once and says how much of the
 * current part went out, which is what `conversation.item.truncate` needs, and the notices are what the
 * `output_audio_buffer.*` events of docs/backends.md say. Parts play in the order they came; a new part ends
 * the one before. Of a response that was cleared, audio still on its way from the backend is refused.
 *
 * A response whose next part comes only after the queue ran dry is reported as stopped and started again.
 */

import { BACKEND_SAMPLE_RATE_HZ } from '../../backends/backend.ts'
import type { AudioPart } from '../../backends/backend.ts'

/** What became of enqueued samples. */
export type EnqueueVerdict = 'queued' | 'backlog-full' | 'response-cleared'

/** A transition that the client is told of as `output_audio_buffer.<type>`. */
export interface PlayoutNotice {
  readonly type: 'started' | 'stopped' | 'cleared'
  readonly responseId: string
}

/** The part that was playing when the queue was cleared, and how much of it was handed out, in whole ms. */
export interface HeardPart {
  readonly part: AudioPart
  readonly playedMillis: number
}

/** Holds a call's output audio, 24 kHz mono PCM16, between backend and pacer. */
export class Playout {
  readonly #parts: QueuedPart[] = []
  readonly #notices: PlayoutNotice[] = []
  #backlogSamples = 0
  #soundingResponse: string | undefined
  #clearedResponses: ReadonlySet<string> = new Set()

  /** Samples waiting to be pulled. */
  get backlogSamples(): number {
    return this.#backlogSamples
  }

  /** Appends samples to `part`; the array is kept, not copied. */
  enqueue(part: AudioPart, samples: Int16Array): EnqueueVerdict {
    if (this.#clearedResponses.has(part.responseId)) return 'response-cleared'
    if (this.#backlogSamples + samples.length > MAX_BACKLOG_SAMPLES) return 'backlog-full'
    if (samples.length === 0) return 'queued'
    let tail = this.#parts.at(-1)
    if (tail === undefined || tail.isFinished || !isSamePart(tail.part, part)) {
      if (tail !== undefined) tail.isFinished = true
      tail = { part, chunks: [], offset: 0, playedSamples: 0, isFinished: false }
      this.#parts.push(tail)
    }
    tail.chunks.push(samples)
    this.#backlogSamples += samples.length
    return 'queued'
  }

  /** Appends one 20 ms packet of the call's codec to `part`; not taken yet: docs/backends.md. */
  enqueuePacket(_part: AudioPart, _payload: Uint8Array): EnqueueVerdict {
    return 'backlog-full'
  }

  /** Says that no more samples of `part` come, so that its last frame need not wait to be filled. */
  finish(part: AudioPart): void {
    for (const queued of this.#parts) {
      if (isSamePart(queued.part, part)) queued.isFinished = true
    }
  }

  /** Fills `into`, one frame; `idle` leaves it untouched. The end of a part is padded with silence. */
  pull(into: Int16Array): 'audio' | 'idle' {
    const head = this.#dropPlayedParts()
    if (head === undefined || !hasFrame(head, into.length)) return 'idle'
    if (this.#soundingResponse !== head.part.responseId) this.#start(head.part.responseId)
    const copied = copyFrame(head, into)
    into.fill(0, copied)
    this.#backlogSamples -= copied
    return 'audio'
  }

  /** Empties the queue and returns the part at its head, undefined when nothing was queued; parts behind it are unheard. */
  clear(): HeardPart | undefined {
    const head = this.#dropPlayedParts()
    if (head === undefined) return undefined
    this.#clearedResponses = new Set(this.#parts.map((queued) => queued.part.responseId))
    this.#parts.length = 0
    this.#backlogSamples = 0
    this.#soundingResponse = undefined
    this.#notices.push({ type: 'cleared', responseId: head.part.responseId })
    return { part: head.part, playedMillis: Math.floor(head.playedSamples / SAMPLES_PER_MILLI) }
  }

  /** Returns the oldest transition not yet told; undefined when all are. */
  nextNotice(): PlayoutNotice | undefined {
    return this.#notices.shift()
  }

  /** Removes the parts that are finished and handed out, and returns the one to play. */
  #dropPlayedParts(): QueuedPart | undefined {
    let head = this.#parts[0]
    while (head !== undefined && head.isFinished && head.chunks.length === 0) {
      this.#parts.shift()
      head = this.#parts[0]
      if (this.#soundingResponse !== head?.part.responseId) this.#stop()
    }
    return head
  }

  #start(responseId: string): void {
    this.#soundingResponse = responseId
    this.#notices.push({ type: 'started', responseId })
  }

  #stop(): void {
    if (this.#soundingResponse === undefined) return
    this.#notices.push({ type: 'stopped', responseId: this.#soundingResponse })
    this.#soundingResponse = undefined
  }
}

interface QueuedPart {
  readonly part: AudioPart
  readonly chunks: Int16Array[]
  /** Samples of the first chunk that were handed out already. */
  offset: number
  playedSamples: number
  isFinished: boolean
}

function isSamePart(a: AudioPart, b: AudioPart): boolean {
  return a.itemId === b.itemId && a.contentIndex === b.contentIndex && a.responseId === b.responseId
}

/** A frame can be handed out when it is full, or when the part ends in it. */
function hasFrame(queued: QueuedPart, frameSamples: number): boolean {
  if (queued.isFinished) return true
  let available = -queued.offset
  for (const chunk of queued.chunks) {
    available += chunk.length
    if (available >= frameSamples) return true
  }
  return false
}

function copyFrame(queued: QueuedPart, into: Int16Array): number {
  let copied = 0
  for (let chunk = queued.chunks[0]; chunk !== undefined && copied < into.length; chunk = queued.chunks[0]) {
    const end = Math.min(chunk.length, queued.offset + into.length - copied)
    into.set(chunk.subarray(queued.offset, end), copied)
    copied += end - queued.offset
    queued.offset = end
    if (end < chunk.length) break
    queued.chunks.shift()
    queued.offset = 0
  }
  queued.playedSamples += copied
  return copied
}

const SAMPLES_PER_MILLI = BACKEND_SAMPLE_RATE_HZ / 1000

/** How far a backend may run ahead of the listener: longer than any answer, 14 MB a call at worst. */
export const MAX_BACKLOG_SECONDS = 300
const MAX_BACKLOG_SAMPLES = MAX_BACKLOG_SECONDS * BACKEND_SAMPLE_RATE_HZ
