/**
 * What a `realtime` backend says, on its way to playout: `response.output_audio.delta` with 24 kHz PCM16 or G.711 in
 * base64, or Opus packets as binary messages (shared/realtime/audio-frame.ts). docs/backends.md.
 */

import { AudioFrameView } from '#shared/realtime/audio-frame'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { AudioPart, BackendOutput, ClientCodec } from './backend.ts'
import type { BackendDrop } from './backend-fault.ts'
import { OpusPacketView } from '../core/media/opus-packet.ts'
import { G711_SILENCE, PacketSlicer } from '../core/realtime/packet-slicer.ts'

/** Hands a call's output what the backend says. */
export class RealtimeSpeech {
  readonly #output: BackendOutput
  readonly #slicer: PacketSlicer | undefined
  readonly #frame = new AudioFrameView()
  readonly #opus = new OpusPacketView()
  /** Of the binary messages: the last few, in the order they were named. */
  readonly #partByReference = new Map<number, AudioPart>()
  /** The part that is being said. */
  #part: AudioPart | undefined
  readonly #sendPacket = (packet: Uint8Array): void => {
    if (this.#part !== undefined) this.#output.packet(this.#part, packet)
  }

  constructor(codec: ClientCodec, output: BackendOutput) {
    this.#output = output
    this.#slicer = codec === 'opus' ? undefined : new PacketSlicer(G711_SILENCE[codec])
  }

  /** Takes a `response.output_audio.delta`. */
  handleDelta(event: RealtimeEvent): BackendDrop | undefined {
    const part = partOf(event)
    const { delta } = event
    if (part === undefined || typeof delta !== 'string') return 'audio-malformed'
    this.#begin(part)
    if (this.#slicer === undefined) return this.#queueSamples(part, delta)
    const octets = Buffer.from(delta, 'base64')
    if (octets.length !== Buffer.byteLength(delta, 'base64')) return 'audio-malformed'
    this.#slicer.push(octets, this.#sendPacket)
    return undefined
  }

  /** Takes a `firsthop.output_audio.part`: from now on its number stands for the part. */
  handlePartName(event: RealtimeEvent): BackendDrop | undefined {
    const part = partOf(event)
    const { part: reference } = event
    if (part === undefined || typeof reference !== 'number') return 'audio-malformed'
    if (this.#partByReference.size >= MAX_NAMED_PARTS) {
      for (const oldest of this.#partByReference.keys()) {
        this.#partByReference.delete(oldest)
        break
      }
    }
    this.#partByReference.set(reference, part)
    return undefined
  }

  /** Takes a binary message. */
  handleFrame(bytes: Uint8Array): BackendDrop | undefined {
    const frame = this.#frame
    const fault = frame.read(bytes)
    if (fault !== undefined) return fault
    const part = this.#partByReference.get(frame.part)
    if (part === undefined) return 'frame-part-unknown'
    const opusFault = this.#opus.read(bytes, frame.payloadStart, frame.payloadLength)
    if (opusFault !== undefined || this.#opus.durationMillis !== FRAME_MILLIS) return 'frame-not-20ms'
    if (frame.durationMillis !== FRAME_MILLIS) return 'frame-not-20ms'
    this.#begin(part)
    this.#output.packet(part, bytes.subarray(frame.payloadStart))
    return undefined
  }

  /** Takes a `response.output_audio.done`. */
  handleDone(event: RealtimeEvent): BackendDrop | undefined {
    const part = partOf(event)
    if (part === undefined) return 'audio-malformed'
    this.#end(part)
    return undefined
  }

  /** Takes a `response.done`: a part of it that was never said to be done is done now. */
  handleResponseDone(event: RealtimeEvent): void {
    const { response } = event as { response?: { id?: unknown } | null }
    if (this.#part !== undefined && this.#part.responseId === response?.id) this.#end(this.#part)
  }

  #queueSamples(part: AudioPart, delta: string): BackendDrop | undefined {
    const bytes = Buffer.byteLength(delta, 'base64')
    if (bytes % Int16Array.BYTES_PER_ELEMENT !== 0) return 'audio-malformed'
    const samples = new Int16Array(bytes / Int16Array.BYTES_PER_ELEMENT)
    const written = Buffer.from(samples.buffer).write(delta, 'base64')
    if (written !== bytes) return 'audio-malformed'
    this.#output.audio(part, samples)
    return undefined
  }

  #begin(part: AudioPart): void {
    if (this.#part !== undefined && !isSamePart(this.#part, part)) this.#end(this.#part)
    this.#part = part
  }

  #end(part: AudioPart): void {
    if (this.#part !== undefined && isSamePart(this.#part, part)) {
      this.#slicer?.flush(this.#sendPacket)
      this.#part = undefined
    }
    this.#output.audioDone(part)
  }
}

function partOf(event: RealtimeEvent): AudioPart | undefined {
  const { response_id: responseId, item_id: itemId, content_index: contentIndex } = event
  if (!isId(responseId) || !isId(itemId)) return undefined
  if (typeof contentIndex !== 'number' || !Number.isInteger(contentIndex)) return undefined
  return { responseId, itemId, contentIndex }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_CHARACTERS
}

function isSamePart(a: AudioPart, b: AudioPart): boolean {
  return a.itemId === b.itemId && a.contentIndex === b.contentIndex && a.responseId === b.responseId
}

/** What playout takes, and what the binary messages of docs/backends.md therefore carry. */
const FRAME_MILLIS = 20
/** Parts that binary messages can be of at one time; playout takes them one after another. */
const MAX_NAMED_PARTS = 16
/** The API's ids have up to 32. */
const MAX_ID_CHARACTERS = 128
