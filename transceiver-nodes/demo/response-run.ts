/**
 * Carries out one response: its events in the API's order, its audio beside them (docs/backends.md).
 *
 * Speech comes sentence by sentence, so that the first one sounds while the next is synthesised. Ends once:
 * completed, cancelled or failed.
 */

import type { ResponseSettings } from '#shared/realtime/client-events'
import type { MintId } from '#shared/realtime/events'
import type { FunctionCall } from '#shared/realtime/items'
import type { RealtimeResponse, ResponseEnd } from '#shared/realtime/response'
import type { Emit, PartAddress, ResponsePart } from '#shared/realtime/server-events'
import type { OutputSettings } from '#shared/realtime/session-config'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import type { AudioPart, BackendOutput } from '../backends/backend.ts'
import type { Passage, Reply } from './brain.ts'
import type { ConversationItems, ItemSource } from './conversation-items.ts'
import { SpokenItem } from './spoken-item.ts'
import { VoiceError } from './voice.ts'
import type { Voice } from './voice.ts'

/** What a response needs, and whom it tells. */
export interface ResponsePorts {
  readonly voice: Voice
  readonly output: BackendOutput
  readonly emit: Emit
  readonly mintId: MintId
  readonly items: ConversationItems
  /** The response ended, having made `audioMillis` of audio; `response.done` follows. */
  onEnd(audioMillis: number): void
}

/** The settings of one response, none missing. */
export type RunSettings = OutputSettings & Pick<ResponseSettings, 'conversation' | 'metadata'>

/** One response, from `response.created` to `response.done`. */
export class ResponseRun {
  readonly id: string
  readonly #settings: RunSettings
  readonly #ports: ResponsePorts
  readonly #itemId: string
  readonly #spoken: SpokenItem
  #source: ItemSource
  #previousId: string | null = null
  #end: ResponseEnd | undefined

  constructor(settings: RunSettings, ports: ResponsePorts) {
    this.#settings = settings
    this.#ports = ports
    this.id = ports.mintId('resp')
    this.#itemId = ports.mintId('item')
    this.#spoken = new SpokenItem(this.#itemId, settings.output_modalities[0])
    this.#source = this.#spoken
  }

  /** Begins to answer. */
  start(reply: Reply): void {
    this.#ports.emit('response.created', { response: this.#describe('in_progress') })
    if (reply.type === 'tool-call') return this.#callTool(reply.name, reply.arguments)
    this.#openSpeech()
    this.#speak(reply.passages).then(
      () => this.#finishSpeech({ type: 'completed' }),
      (cause: unknown) => this.#finishSpeech(failureOf(cause)),
    )
  }

  /** Ends the response early; what was spoken stands. */
  cancel(reason: 'turn_detected' | 'client_cancelled'): void {
    this.#finishSpeech({ type: 'cancelled', reason })
  }

  /** Ends the response without a word: the call is over. */
  abandon(): void {
    this.#end ??= { type: 'cancelled', reason: 'client_cancelled' }
  }

  #openSpeech(): void {
    this.#addItem()
    this.#ports.emit('response.content_part.added', { ...this.#address, part: this.#part('') })
  }

  async #speak(passages: readonly Passage[]): Promise<void> {
    for (const { text, recording } of passages) {
      const samples = this.#speaksAloud ? (recording ?? (await this.#ports.voice.speak(text))) : NO_AUDIO
      if (this.#end !== undefined) return
      this.#utter(this.#spoken.text === '' ? text : ` ${text}`, samples)
    }
  }

  #utter(delta: string, samples: Int16Array): void {
    this.#spoken.append(delta, (samples.length * 1000) / BACKEND_SAMPLE_RATE_HZ)
    const type = this.#speaksAloud ? 'response.output_audio_transcript.delta' : 'response.output_text.delta'
    this.#ports.emit(type, { ...this.#address, delta })
    if (samples.length > 0) this.#ports.output.audio(this.#audioPart, samples)
  }

  #finishSpeech(end: ResponseEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#spoken.finish(end.type === 'completed' ? 'completed' : 'incomplete')
    const { emit } = this.#ports
    const text = this.#spoken.text
    if (this.#speaksAloud) {
      this.#ports.output.audioDone(this.#audioPart)
      emit('response.output_audio.done', this.#address)
      emit('response.output_audio_transcript.done', { ...this.#address, transcript: text })
    } else emit('response.output_text.done', { ...this.#address, text })
    emit('response.content_part.done', { ...this.#address, part: this.#part(text) })
    this.#finishItem(end)
  }

  #callTool(name: string, args: string): void {
    this.#end = { type: 'completed' }
    const callId = this.#ports.mintId('call')
    const call: FunctionCall = {
      id: this.#itemId,
      object: 'realtime.item',
      type: 'function_call',
      status: 'in_progress',
      call_id: callId,
      name,
      arguments: '',
    }
    const address = { response_id: this.id, item_id: this.#itemId, output_index: 0, call_id: callId }
    const source = { item: call }
    this.#source = source
    this.#addItem()
    source.item = { ...call, status: 'completed', arguments: args }
    this.#ports.emit('response.function_call_arguments.delta', { ...address, delta: args })
    this.#ports.emit('response.function_call_arguments.done', { ...address, name, arguments: args })
    this.#finishItem(this.#end)
  }

  #addItem(): void {
    const { item } = this.#source
    this.#ports.emit('response.output_item.added', { response_id: this.id, output_index: 0, item })
    if (this.#isInConversation) this.#previousId = this.#ports.items.append(this.#source)
  }

  #finishItem(end: ResponseEnd): void {
    const { emit } = this.#ports
    const { item } = this.#source
    emit('response.output_item.done', { response_id: this.id, output_index: 0, item })
    if (this.#isInConversation) emit('conversation.item.done', { previous_item_id: this.#previousId, item })
    this.#ports.onEnd(this.#spoken.millis)
    emit('response.done', { response: this.#describe(end.type, end) })
    emit('rate_limits.updated', { rate_limits: [] })
  }

  #describe(status: RealtimeResponse['status'], end?: ResponseEnd): RealtimeResponse {
    return {
      id: this.id,
      object: 'realtime.response',
      status,
      ...(end === undefined ? {} : { status_details: end }),
      output: end === undefined ? [] : [this.#source.item],
      conversation_id: this.#isInConversation ? CONVERSATION_ID : null,
      output_modalities: this.#settings.output_modalities,
      max_output_tokens: this.#settings.max_output_tokens,
      metadata: this.#settings.metadata,
    }
  }

  #part(text: string): ResponsePart {
    return this.#speaksAloud ? { type: 'audio', transcript: text } : { type: 'text', text }
  }

  get #speaksAloud(): boolean {
    return this.#settings.output_modalities[0] === 'audio'
  }

  get #isInConversation(): boolean {
    return this.#settings.conversation === 'auto'
  }

  get #address(): PartAddress {
    return { response_id: this.id, item_id: this.#itemId, output_index: 0, content_index: 0 }
  }

  get #audioPart(): AudioPart {
    return { responseId: this.id, itemId: this.#itemId, contentIndex: 0 }
  }
}

function failureOf(cause: unknown): ResponseEnd {
  const code = cause instanceof VoiceError ? cause.code : 'server_error'
  return { type: 'failed', error: { type: 'server_error', code, message: String(cause) } }
}

/** Each call has one conversation. */
const CONVERSATION_ID = 'conv_default'

const NO_AUDIO = new Int16Array(0)
