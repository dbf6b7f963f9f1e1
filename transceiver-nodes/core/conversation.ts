/**
 * Carries Realtime events between the client's data channel and the backend, and adds what only the media edge
 * knows: when output audio plays, and how much of it was heard when the user interrupts. docs/backends.md.
 *
 * Every event it does not own passes through untouched, both ways.
 */

import type { RealtimeEvent } from '#shared/realtime/events'
import type { AudioPart } from '../backends/backend.ts'
import type { EnqueueVerdict, Playout } from './media/playout.ts'

/** Where a conversation's events go; `text` is an event as it came, to be passed on as it is. */
export interface ConversationPorts {
  toClient(event: RealtimeEvent, text?: string): void
  toBackend(event: RealtimeEvent, text?: string): void
  /** Describes the call's path for `firsthop.path`: docs/api.md. */
  describePath(): Readonly<Record<string, unknown>>
  /** Mints an event id. */
  eventId(): string
}

/** The events of one call. */
export class Conversation {
  readonly #playout: Playout
  readonly #ports: ConversationPorts
  #interruptsResponse = true
  #faultyResponse: string | undefined

  constructor(playout: Playout, ports: ConversationPorts) {
    this.#playout = playout
    this.#ports = ports
  }

  /** Takes an event from the data channel. */
  handleClientEvent(event: RealtimeEvent, text?: string): void {
    if (event.type === 'output_audio_buffer.clear') return this.#interrupt()
    if (event.type === 'firsthop.path.retrieve') return this.#sendPath()
    this.#ports.toBackend(event, text)
  }

  /** Takes an event from the backend. */
  handleBackendEvent(event: RealtimeEvent, text?: string): void {
    this.#ports.toClient(event, text)
    if (event.type === 'session.created' || event.type === 'session.updated') {
      this.#interruptsResponse = interruptsResponse(event)
    }
    if (event.type === 'response.done') this.#finishResponse(event)
    if (event.type === 'input_audio_buffer.speech_started' && this.#interruptsResponse) this.#interrupt()
  }

  /** Takes output audio; what still comes of a response that was interrupted is dropped. */
  handleAudio(part: AudioPart, samples: Int16Array): void {
    this.#checkEnqueued(part, this.#playout.enqueue(part, samples))
  }

  /** Takes output audio in the call's codec, a 20 ms packet at a time. */
  handlePacket(part: AudioPart, payload: Uint8Array): void {
    this.#checkEnqueued(part, this.#playout.enqueuePacket(part, payload))
  }

  /** Takes the end of a part's audio. */
  handleAudioDone(part: AudioPart): void {
    this.#playout.finish(part)
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return Number(this.#faultyResponse === undefined)
  }

  /** Reports what playout did since the last call; to be called after every frame. */
  reportPlayout(): void {
    for (let notice = this.#playout.nextNotice(); notice !== undefined; notice = this.#playout.nextNotice()) {
      this.#ports.toClient({
        type: `output_audio_buffer.${notice.type}`,
        event_id: this.#ports.eventId(),
        response_id: notice.responseId,
      })
    }
  }

  #finishResponse(event: RealtimeEvent): void {
    const id = field(event['response'], 'id')
    if (typeof id === 'string') this.#playout.finishResponse(id)
  }

  /** Empties the playout queue and tells the backend how much of each item was heard. */
  #interrupt(): void {
    const cleared = this.#playout.clear()
    this.reportPlayout()
    for (const { part, playedMillis } of cleared) {
      this.#ports.toBackend({
        type: 'conversation.item.truncate',
        event_id: this.#ports.eventId(),
        item_id: part.itemId,
        content_index: part.contentIndex,
        audio_end_ms: playedMillis,
      })
    }
  }

  /** Once per response: audio that is not queued is lost, and the client should know. */
  #checkEnqueued({ responseId }: AudioPart, verdict: EnqueueVerdict): void {
    if (verdict === 'queued' || verdict === 'response-cleared' || this.#faultyResponse === responseId) return
    this.#faultyResponse = responseId
    const error = {
      type: 'server_error',
      code: ENQUEUE_ERROR[verdict],
      message: `Audio of response ${responseId} cannot be played and is dropped: ${verdict}.`,
      param: null,
      event_id: null,
    }
    this.#ports.toClient({ type: 'error', event_id: this.#ports.eventId(), error })
  }

  #sendPath(): void {
    this.#ports.toClient({
      type: 'firsthop.path',
      event_id: this.#ports.eventId(),
      ...this.#ports.describePath(),
    })
  }
}

/** The `code` of the error that a client is sent. */
const ENQUEUE_ERROR = {
  'backlog-full': 'output_audio_backlog_full',
  'packet-too-large': 'output_audio_malformed',
  'part-mixed': 'output_audio_malformed',
} as const

/** Reads `session.audio.input.turn_detection.interrupt_response`, which is true unless said otherwise. */
function interruptsResponse(event: RealtimeEvent): boolean {
  const turnDetection = field(field(field(event['session'], 'audio'), 'input'), 'turn_detection')
  return turnDetection !== null && field(turnDetection, 'interrupt_response') !== false
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
