/**
 * The embedded demo agent in one call: hears the user, answers in speech, plays back what it heard, and does what
 * a client asks through Realtime events (docs/demo-agent.md).
 *
 * Driven by audio, events and the voice's replies; it has no timer. It may be entered again while it sends an event
 * (the transceiver truncates in the middle of `speech_started`), so its state is settled before each event.
 */

import { readClientEvent, readSessionUpdate, requestError } from '#shared/realtime/client-events'
import type { ClientEvent, RequestError, ResponseSettings } from '#shared/realtime/client-events'
import type { MintId } from '#shared/realtime/events'
import { serverEvent } from '#shared/realtime/server-events'
import type { Emit } from '#shared/realtime/server-events'
import { mergeSession, openSession } from '#shared/realtime/session-config'
import type { RealtimeSession, SessionUpdate } from '#shared/realtime/session-config'
import type { EpochSeconds } from '#shared/time'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { BackendCall, BackendOutput, BackendSession } from '../backends/backend.ts'
import type { Prompt } from './brain.ts'
import { ConversationItems } from './conversation-items.ts'
import { promptOf, scriptOf } from './prompt.ts'
import { Responder } from './responder.ts'
import { UserTurns } from './user-turns.ts'
import type { Voice } from './voice.ts'

/** What every call's agent is handed. */
export interface AgentParts {
  readonly voice: Voice
  readonly mintId: MintId
  /** The wall clock, for the user who asks for the time. */
  readonly now: () => EpochSeconds
}

/** One call's agent; it sends `session.created` before its constructor returns. */
export class DemoAgent implements BackendSession {
  /** It listens to samples, so it never takes packets. */
  readonly inputFormat = 'pcm'
  readonly #output: BackendOutput
  readonly #mintId: MintId
  readonly #items: ConversationItems
  readonly #turns: UserTurns
  readonly #responder: Responder
  #session: RealtimeSession
  #closed = false

  constructor(call: BackendCall, output: BackendOutput, parts: AgentParts) {
    this.#output = output
    this.#mintId = parts.mintId
    const config = readSessionUpdate(call.session ?? {})
    const isRefused = config.type === 'invalid_request_error'
    this.#session = openSession(parts.mintId('sess'), isRefused ? {} : config)
    this.#items = new ConversationItems(this.#emit, parts.mintId)
    const ports = {
      ...parts,
      output,
      emit: this.#emit,
      items: this.#items,
      session: () => this.#session,
    }
    this.#turns = new UserTurns({
      ...ports,
      onSpeech: () => this.#handleSpeech(),
      onTurn: () => this.#handleTurn(),
      onSilence: () => this.#answerTurn({ type: 'silence' }),
    })
    this.#responder = new Responder({
      ...ports,
      onEnd: (audioMillis) => this.#turns.expectSpeechAfter(audioMillis),
    })
    this.#emit('session.created', { session: this.#session })
    if (isRefused) this.#refuse(config, null)
  }

  handleEvent(event: RealtimeEvent): void {
    const request = readClientEvent(event)
    const error = request.type === 'invalid_request_error' ? request : this.#handleRequest(request)
    if (error !== undefined) this.#refuse(error, event['event_id'])
  }

  handleAudio(samples: Int16Array): void {
    this.#turns.handleAudio(samples)
  }

  handlePacket(): void {}

  close(): void {
    this.#closed = true
    this.#responder.close()
    this.#turns.close()
  }

  #handleRequest(request: ClientEvent): RequestError | undefined {
    switch (request.type) {
      case 'session.update':
        return this.#updateSession(request.session)
      case 'input_audio_buffer.append':
        return this.#append(request.audio)
      case 'input_audio_buffer.commit':
        return this.#turns.commit()
      case 'input_audio_buffer.clear':
        return this.#turns.clear()
      case 'output_audio_buffer.clear':
        // The queue is the transceiver's, and so is this event; the agent has nothing to clear.
        return undefined
      case 'conversation.item.create':
      case 'conversation.item.retrieve':
      case 'conversation.item.truncate':
      case 'conversation.item.delete':
        return this.#items.handleRequest(request)
      case 'response.create':
        return this.#createResponse(request.response)
      case 'response.cancel':
        return this.#responder.cancel(request.response_id)
      default:
        return request satisfies never
    }
  }

  #updateSession(update: SessionUpdate): undefined {
    this.#session = mergeSession(this.#session, update)
    this.#turns.applySession()
    this.#emit('session.updated', { session: this.#session })
  }

  #append(audio: string): RequestError | undefined {
    if (this.#session.audio.input.format.type !== 'audio/pcm') {
      return requestError('invalid_value', 'The demo agent takes appended audio as audio/pcm only.', 'audio')
    }
    const bytes = Buffer.from(audio, 'base64')
    this.#turns.handleAudio(
      Int16Array.from({ length: Math.floor(bytes.length / 2) }, (_, i) => bytes.readInt16LE(i * 2)),
    )
    return undefined
  }

  #createResponse({ input, ...settings }: ResponseSettings): RequestError | undefined {
    return this.#responder.respond(settings, () =>
      input === undefined ? this.#promptOfLast() : scriptOf(input),
    )
  }

  #handleSpeech(): void {
    if (this.#session.audio.input.turn_detection?.interrupt_response !== false) this.#responder.interrupt()
  }

  #handleTurn(): void {
    if (this.#session.audio.input.turn_detection?.create_response !== false) {
      this.#answerTurn(this.#promptOfLast())
    }
  }

  #answerTurn(prompt: Prompt): void {
    const error = this.#responder.respond({ conversation: 'auto', metadata: null }, () => prompt)
    if (error !== undefined) this.#refuse(error, null)
  }

  #promptOfLast(): Prompt {
    return promptOf(this.#items.last, (itemId) => this.#turns.takeHeard(itemId))
  }

  #refuse(error: RequestError, clientEventId: unknown): void {
    const eventId =
      typeof clientEventId === 'string' ? clientEventId.slice(0, MAX_ECHOED_ID_CHARACTERS) : null
    this.#emit('error', { error: { ...error, event_id: eventId } })
  }

  readonly #emit: Emit = (type, fields) => {
    if (!this.#closed) this.#output.event(serverEvent(type, fields, this.#mintId))
  }
}

/** The API's limit for the ids that clients give their events. */
const MAX_ECHOED_ID_CHARACTERS = 512
