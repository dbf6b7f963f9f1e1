/**
 * The playout queue of one call: what the backend has said and the client has not been sent yet. docs/backends.md.
 *
 * A backend speaks faster than real time; the media loop pulls one 20 ms frame per tick. So this queue, and
 * nothing else, knows what the user has heard: `clear` (barge-in) empties it at once and says how much of the
 * current part went out, which is what `conversation.item.truncate` needs, and the notices are what the
 * `output_audio_buffer.*` events say. Parts play in the order they came; a new part ends the one before.
 * Of a response that was cleared, audio still on its way from the backend is refused.
 *
 * A part comes as samples, or as packets of the client's codec that are sent as they are; the first piece of it
 * decides. A response has stopped when it is done and all of it has been handed out, or when another one takes over:
 * the API says `stopped` after `response.done`, however slow the backend is (API reference, Realtime, server events).
 */

import { BACKEND_SAMPLE_RATE_HZ } from '../../backends/backend.ts'
import type { AudioPart } from '../../backends/backend.ts'

/** What became of enqueued audio. */
export type EnqueueVerdict =
  'queued' | 'backlog-full' | 'packet-too-large' | 'part-mixed' | 'response-cleared'

/** A transition that the client is told of as `output_audio_buffer.<type>`. */
export interface PlayoutNotice {
  readonly type: 'started' | 'stopped' | 'cleared'
  readonly responseId: string
}

/** A part that the queue was cleared of, and how much of it was handed out, in whole ms. */
export interface HeardPart {
  readonly part: AudioPart
  readonly playedMillis: number
}

/** Holds a call's output audio between backend and pacer: 24 kHz mono PCM16, or packets of the call's codec. */
export class Playout {
  readonly #parts: QueuedPart[] = []
  readonly #notices: PlayoutNotice[] = []
  #backlogSamples = 0
  #packet: Uint8Array = NO_BYTES
  #soundingResponse: string | undefined
  /** Those with audio here that are done; the one that sounds, and those that wait. */
  readonly #doneResponses = new Set<string>()
  /** The last few. */
  readonly #clearedResponses = new Set<string>()

  /** How often the queue was emptied while something was being said. */
  interruptions = 0

  /** How long it takes to play what waits. */
  get backlogMillis(): number {
    return this.#backlogSamples / SAMPLES_PER_MILLI
  }

  /** What the last `pull` handed out when it said `packet`; valid until the next. */
  get packet(): Uint8Array {
    return this.#packet
  }

  /** Appends samples to `part`; the array is kept, not copied. */
  enqueue(part: AudioPart, samples: Int16Array): EnqueueVerdict {
    return this.#append(part, samples, samples.length)
  }

  /** Appends one 20 ms packet of the call's codec to `part`; the bytes are kept, not copied. */
  enqueuePacket(part: AudioPart, payload: Uint8Array): EnqueueVerdict {
    if (payload.length > MAX_PACKET_BYTES) return 'packet-too-large'
    return this.#append(part, payload, payload.length === 0 ? 0 : SAMPLES_PER_PACKET)
  }

  /** Says that no more audio of `part` comes, so that its last frame need not wait to be filled. */
  finish(part: AudioPart): void {
    for (const queued of this.#parts) {
      if (isSamePart(queued.part, part)) queued.isFinished = true
    }
  }

  /** Says that the response is done: no more audio of any of its parts comes. */
  finishResponse(responseId: string): void {
    const parts = this.#parts.filter(({ part }) => part.responseId === responseId)
    for (const queued of parts) queued.isFinished = true
    if (parts.length > 0 || this.#soundingResponse === responseId) this.#doneResponses.add(responseId)
  }

  /**
   * Hands out the next 20 ms: `audio` fills `into`, with silence after the end of a part; `packet` leaves it in
   * `this.packet`; `idle` means that there is nothing to say.
   */
  pull(into: Int16Array): 'audio' | 'packet' | 'idle' {
    const head = this.#dropPlayedParts()
    if (head === undefined || !hasFrame(head, into.length)) return 'idle'
    if (this.#soundingResponse !== head.part.responseId) this.#start(head.part.responseId)
    const before = head.playedSamples
    if (head.isPackets) this.#packet = takePacket(head)
    else into.fill(0, takeFrame(head, into))
    this.#backlogSamples -= head.playedSamples - before
    return head.isPackets ? 'packet' : 'audio'
  }

  /** Empties the queue and returns the parts that were in it, the one that was playing first; no other was heard. */
  clear(): readonly HeardPart[] {
    const responseId = this.#dropPlayedParts()?.part.responseId ?? this.#soundingResponse
    if (responseId === undefined) return []
    const cleared = this.#parts.splice(0)
    this.#refuse(responseId)
    for (const { part } of cleared) this.#refuse(part.responseId)
    this.#backlogSamples = 0
    this.#soundingResponse = undefined
    this.#doneResponses.clear()
    this.#notices.push({ type: 'cleared', responseId })
    this.interruptions++
    return cleared.filter(isFirstOfItsPart).map(heardPart)
  }

  /** Returns the oldest transition not yet told; undefined when all are. */
  nextNotice(): PlayoutNotice | undefined {
    return this.#notices.shift()
  }

  #append(part: AudioPart, piece: AudioPiece, samples: number): EnqueueVerdict {
    if (this.#clearedResponses.has(part.responseId)) return 'response-cleared'
    if (this.#backlogSamples + samples > MAX_BACKLOG_SAMPLES) return 'backlog-full'
    if (samples === 0) return 'queued'
    const tail = this.#tailFor(part, piece)
    if (tail.isPackets !== piece instanceof Uint8Array) return 'part-mixed'
    tail.pieces.push(piece)
    this.#backlogSamples += samples
    return 'queued'
  }

  /** Returns the entry that takes the next piece of `part`: the last one, or a new one that ends it. */
  #tailFor(part: AudioPart, piece: AudioPiece): QueuedPart {
    const tail = this.#parts.at(-1)
    if (tail !== undefined && !tail.isFinished && isSamePart(tail.part, part)) return tail
    if (tail !== undefined) tail.isFinished = true
    const isPackets = piece instanceof Uint8Array
    const added = { part, isPackets, pieces: [], offset: 0, playedSamples: 0, isFinished: false }
    this.#parts.push(added)
    return added
  }

  /** Removes the parts that are finished and handed out, and returns the one to play. */
  #dropPlayedParts(): QueuedPart | undefined {
    let head = this.#parts[0]
    while (head !== undefined && head.isFinished && head.pieces.length === 0) {
      this.#parts.shift()
      head = this.#parts[0]
    }
    const sounding = this.#soundingResponse
    if (sounding === undefined || sounding === head?.part.responseId) return head
    if (head !== undefined || this.#doneResponses.has(sounding)) this.#stop(sounding)
    return head
  }

  /** From now on, audio of the response is refused: for long enough that what was on its way has come. */
  #refuse(responseId: string): void {
    this.#clearedResponses.add(responseId)
    if (this.#clearedResponses.size <= MAX_CLEARED_RESPONSES) return
    for (const oldest of this.#clearedResponses) return void this.#clearedResponses.delete(oldest)
  }

  #start(responseId: string): void {
    this.#soundingResponse = responseId
    this.#notices.push({ type: 'started', responseId })
  }

  #stop(responseId: string): void {
    this.#notices.push({ type: 'stopped', responseId })
    this.#doneResponses.delete(responseId)
    this.#soundingResponse = undefined
  }
}

/** Some samples, or one packet. */
type AudioPiece = Int16Array | Uint8Array

interface QueuedPart {
  readonly part: AudioPart
  readonly isPackets: boolean
  readonly pieces: AudioPiece[]
  /** Samples of the first piece that were handed out already. */
  offset: number
  /** What was handed out, a packet counted as the samples that it lasts. */
  playedSamples: number
  isFinished: boolean
}

function isSamePart(a: AudioPart, b: AudioPart): boolean {
  return a.itemId === b.itemId && a.contentIndex === b.contentIndex && a.responseId === b.responseId
}

function isFirstOfItsPart(queued: QueuedPart, index: number, all: readonly QueuedPart[]): boolean {
  return all.findIndex(({ part }) => isSamePart(part, queued.part)) === index
}

function heardPart({ part, playedSamples }: QueuedPart): HeardPart {
  return { part, playedMillis: Math.floor(playedSamples / SAMPLES_PER_MILLI) }
}

/** A frame can be handed out when it is full, or when the part ends in it. */
function hasFrame(queued: QueuedPart, frameSamples: number): boolean {
  if (queued.isFinished) return true
  if (queued.isPackets) return queued.pieces.length > 0
  let available = -queued.offset
  for (const piece of queued.pieces) {
    available += piece.length
    if (available >= frameSamples) return true
  }
  return false
}

function takePacket(queued: QueuedPart): Uint8Array {
  queued.playedSamples += SAMPLES_PER_PACKET
  return queued.pieces.shift() as Uint8Array
}

/** Copies the next samples and returns how many there were. */
function takeFrame(queued: QueuedPart, into: Int16Array): number {
  let copied = 0
  for (let piece = queued.pieces[0]; piece !== undefined && copied < into.length; piece = queued.pieces[0]) {
    const end = Math.min(piece.length, queued.offset + into.length - copied)
    for (let at = queued.offset; at < end; at++) into[copied++] = piece[at] ?? 0
    queued.offset = end
    if (end < piece.length) break
    queued.pieces.shift()
    queued.offset = 0
  }
  queued.playedSamples += copied
  return copied
}

const NO_BYTES = new Uint8Array(0)
const SAMPLES_PER_MILLI = BACKEND_SAMPLE_RATE_HZ / 1000
/** What a packet lasts, as docs/backends.md asks of a backend. */
const SAMPLES_PER_PACKET = 20 * SAMPLES_PER_MILLI

/** A backend makes one response at a time, and few besides the conversation. */
const MAX_CLEARED_RESPONSES = 16
/** How far a backend may run ahead of the listener: longer than any answer, 14 MB a call at worst. */
export const MAX_BACKLOG_SECONDS = 300
const MAX_BACKLOG_SAMPLES = MAX_BACKLOG_SECONDS * BACKEND_SAMPLE_RATE_HZ
/** The longest 20 ms frame of Opus and its TOC byte, RFC 6716 section 3.2.1; G.711 needs 160. */
export const MAX_PACKET_BYTES = 1_276
