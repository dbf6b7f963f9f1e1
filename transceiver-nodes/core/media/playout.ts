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
import { PacketQueue } from './packet-queue.ts'

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
  #packet: QueuedPacket = new PacketQueue()
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

  /** What the last `pull` handed out when it said `packet`; valid until the next, or until more is enqueued. */
  get packet(): QueuedPacket {
    return this.#packet
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    const head = this.#parts[0]
    const ofHead = head === undefined ? 0 : head.playedSamples + (head.packets?.prefetch() ?? 0)
    return ofHead + this.#notices.length + this.#doneResponses.size + this.#clearedResponses.size
  }

  /** Appends samples to `part`; the array is kept, not copied. */
  enqueue(part: AudioPart, samples: Int16Array): EnqueueVerdict {
    const tail = this.#tailFor(part, false, samples.length)
    if (typeof tail === 'object') tail.pieces.push(samples)
    return typeof tail === 'object' ? 'queued' : tail
  }

  /** Appends a copy of one 20 ms packet of the call's codec to `part`. */
  enqueuePacket(part: AudioPart, payload: Uint8Array): EnqueueVerdict {
    if (payload.length > MAX_PACKET_BYTES) return 'packet-too-large'
    const tail = this.#tailFor(part, true, payload.length === 0 ? 0 : SAMPLES_PER_PACKET)
    if (typeof tail === 'object') tail.packets?.push(payload)
    return typeof tail === 'object' ? 'queued' : tail
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
    if (head.packets === undefined) into.fill(0, takeFrame(head, into))
    else this.#takePacket(head, head.packets)
    this.#backlogSamples -= head.playedSamples - before
    return head.packets === undefined ? 'audio' : 'packet'
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
    return this.#notices.length === 0 ? undefined : this.#notices.shift()
  }

  /** Returns the entry that takes the next `samples` of `part`, and counts them; or why there is none. */
  #tailFor(part: AudioPart, isPackets: boolean, samples: number): QueuedPart | EnqueueVerdict {
    if (this.#isCleared(part.responseId)) return 'response-cleared'
    if (this.#backlogSamples + samples > MAX_BACKLOG_SAMPLES) return 'backlog-full'
    if (samples === 0) return 'queued'
    const last = this.#parts.at(-1)
    const isOpen = last !== undefined && !last.isFinished && isSamePart(last.part, part)
    if (isOpen && (last.packets !== undefined) !== isPackets) return 'part-mixed'
    this.#backlogSamples += samples
    return isOpen ? last : this.#begin(part, isPackets)
  }

  /** A look at the size spares hashing the name: mostly, nothing has been cleared. */
  #isCleared(responseId: string): boolean {
    return this.#clearedResponses.size > 0 && this.#clearedResponses.has(responseId)
  }

  /** A new part ends the one before. */
  #begin(part: AudioPart, isPackets: boolean): QueuedPart {
    const last = this.#parts.at(-1)
    if (last !== undefined) last.isFinished = true
    const packets = isPackets ? new PacketQueue() : undefined
    const begun = { part, packets, pieces: [], offset: 0, playedSamples: 0, isFinished: false }
    this.#parts.push(begun)
    return begun
  }

  #takePacket(queued: QueuedPart, packets: PacketQueue): void {
    if (packets.shift()) queued.playedSamples += SAMPLES_PER_PACKET
    // Mostly the same as before, and to write a reference to an object costs a look at the pages of both.
    if (this.#packet !== packets) this.#packet = packets
  }

  /** Removes the parts that are finished and handed out, and returns the one to play. */
  #dropPlayedParts(): QueuedPart | undefined {
    let head = this.#parts[0]
    while (head !== undefined && head.isFinished && isEmpty(head)) {
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

/** Where a packet lies that was handed out. */
export type QueuedPacket = Pick<PacketQueue, 'memory' | 'start' | 'length'>

interface QueuedPart {
  readonly part: AudioPart
  /** Undefined: it comes as samples, in pieces. */
  readonly packets: PacketQueue | undefined
  readonly pieces: Int16Array[]
  /** Samples of the first piece that were handed out already. */
  offset: number
  /** What was handed out, a packet counted as the samples that it lasts. */
  playedSamples: number
  isFinished: boolean
}

function isSamePart(a: AudioPart, b: AudioPart): boolean {
  if (a === b) return true
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
  if (queued.packets !== undefined) return queued.packets.count > 0
  let available = -queued.offset
  for (const piece of queued.pieces) {
    available += piece.length
    if (available >= frameSamples) return true
  }
  return false
}

function isEmpty({ packets, pieces }: QueuedPart): boolean {
  return packets === undefined ? pieces.length === 0 : packets.count === 0
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
