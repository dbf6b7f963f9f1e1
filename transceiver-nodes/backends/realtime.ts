/**
 * The backend behind a URL: any WebSocket server that speaks the Realtime GA events, OpenAI's own included.
 * docs/backends.md; API reference, Realtime, client and server events.
 *
 * It carries events as they are, byte for byte, and takes the audio out of them: a WebSocket has it in base64, WebRTC
 * as RTP. Where the backend chooses the subprotocol `firsthop.realtime.v1`, Opus passes in binary messages instead.
 */

import { AUDIO_SUBPROTOCOL } from '#shared/realtime/audio-frame'
import { parseBackendEvent } from '#shared/realtime/events'
import type { MintId, RealtimeEvent } from '#shared/realtime/events'
import type { Backend, BackendCall, BackendOutput, BackendSession } from './backend.ts'
import type { BackendDrop, BackendEnd } from './backend-fault.ts'
import { REALTIME_LIMITS } from './realtime-limits.ts'
import type { RealtimeLimits } from './realtime-limits.ts'
import { RealtimeMicrophone } from './realtime-microphone.ts'
import { RealtimeSocket } from './realtime-socket.ts'
import { RealtimeSpeech } from './realtime-speech.ts'
import { audioFormatOf, keepFormat, openingSession } from '../core/realtime/session-audio.ts'
import type { AudioFormat } from '../core/realtime/session-audio.ts'

/** Where the backend is, and what it can do. */
export interface RealtimeTarget {
  /** A ws or wss URL; a `model` in its query is every call's. */
  readonly url: string
  /** Sent with every handshake; they hold secrets. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether calls in Opus offer the binary subprotocol. */
  readonly takesOpus: boolean
}

/** What every conversation is handed. */
export interface RealtimeParts {
  readonly target: RealtimeTarget
  readonly mintId: MintId
  readonly limits?: Partial<RealtimeLimits>
}

/** Makes the backend that `target` names; nothing is connected before a call comes. */
export function createRealtimeBackend(parts: RealtimeParts): Backend {
  const limits = { ...REALTIME_LIMITS, ...parts.limits }
  return { open: (call, output) => new RealtimeSession(call, output, { ...parts, limits }) }
}

/** One call's conversation. */
class RealtimeSession implements BackendSession {
  readonly #call: BackendCall
  readonly #output: BackendOutput
  readonly #parts: RealtimeParts & { readonly limits: RealtimeLimits }
  readonly #socket: RealtimeSocket
  readonly #speech: RealtimeSpeech
  readonly #microphone: RealtimeMicrophone
  #isBinary: boolean
  #hasBegun = false
  #isClosed = false
  /** From before the session began. */
  readonly #heldEvents: string[] = []
  readonly #heldAudio: (string | Uint8Array)[] = []
  #heldCharacters = 0

  constructor(
    call: BackendCall,
    output: BackendOutput,
    parts: RealtimeParts & { readonly limits: RealtimeLimits },
  ) {
    this.#call = call
    this.#output = output
    this.#parts = parts
    // Until the backend has chosen, what it has been offered is what it is expected to take.
    this.#isBinary = call.codec === 'opus' && parts.target.takesOpus
    this.#speech = new RealtimeSpeech(call.codec, output)
    this.#microphone = new RealtimeMicrophone(call.codec, (message) => this.#sendAudio(message))
    this.#socket = new RealtimeSocket(
      {
        url: urlFor(parts.target.url, call),
        headers: { ...parts.target.headers, 'Firsthop-Call-Id': call.callId },
        subprotocols: this.#isBinary ? [AUDIO_SUBPROTOCOL, PLAIN_SUBPROTOCOL] : [],
      },
      {
        onOpen: (subprotocol) => this.#agree(subprotocol),
        onText: (text) => this.#handleText(text),
        onBinary: (bytes) => this.#handleBinary(bytes),
        onEnd: (reason) => this.#fail(reason),
      },
      parts.limits,
    )
  }

  get inputFormat(): 'pcm' | 'codec' {
    return this.#isBinary || this.#call.codec !== 'opus' ? 'codec' : 'pcm'
  }

  handleAudio(samples: Int16Array): void {
    this.#microphone.handleAudio(samples)
  }

  handlePacket(payload: Uint8Array, durationMillis: number): void {
    this.#microphone.handlePacket(payload, durationMillis)
  }

  handleEvent(event: RealtimeEvent, text?: string): void {
    const kept = keepFormat(event, this.#format)
    const message = kept === event && text !== undefined ? text : JSON.stringify(kept)
    if (this.#hasBegun) this.#socket.send(message)
    else this.#hold(message)
  }

  close(): void {
    this.#isClosed = true
    this.#socket.close()
  }

  get #format(): AudioFormat | undefined {
    return audioFormatOf(this.#call.codec, this.#isBinary)
  }

  #agree(subprotocol: string): void {
    const wasBinary = this.#isBinary
    this.#isBinary = subprotocol === AUDIO_SUBPROTOCOL
    // Opus that the backend turns out not to take.
    if (wasBinary && !this.#isBinary) this.#dropHeldAudio(this.#heldAudio.length)
  }

  #handleText(text: string): void {
    const event = parseBackendEvent(text)
    const drop = typeof event === 'string' ? event : this.#handleServerEvent(event, text)
    if (drop !== undefined) this.#output.drop(drop)
  }

  #handleServerEvent(event: RealtimeEvent, text: string): BackendDrop | undefined {
    switch (event.type) {
      case 'response.output_audio.delta':
        return this.#speech.handleDelta(event)
      case 'firsthop.output_audio.part':
        return this.#speech.handlePartName(event)
      case 'output_audio_buffer.started':
      case 'output_audio_buffer.stopped':
      case 'output_audio_buffer.cleared':
        return 'event-owned'
      case 'response.output_audio.done':
        this.#speech.handleDone(event)
        break
      case 'response.done':
        this.#speech.handleResponseDone(event)
        break
      case 'session.created':
        this.#begin()
        break
    }
    if (!this.#isClosed) this.#output.event(event, text)
    return undefined
  }

  #handleBinary(bytes: Uint8Array): void {
    const drop = this.#isBinary ? this.#speech.handleFrame(bytes) : 'frame-unexpected'
    if (drop !== undefined) this.#output.drop(drop)
  }

  /** The backend is ready: it learns what the call was placed with, and then all that has waited, in order. */
  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#socket.begin()
    this.#socket.send(
      JSON.stringify({
        type: 'session.update',
        event_id: this.#parts.mintId('event'),
        session: openingSession(this.#call.session, this.#format),
      }),
    )
    for (const message of this.#heldEvents.splice(0)) this.#socket.send(message)
    for (const message of this.#heldAudio.splice(0)) this.#socket.send(message)
  }

  #sendAudio(message: string | Uint8Array): void {
    if (!this.#hasBegun) return this.#holdAudio(message)
    if (this.#socket.unsentBytes < this.#parts.limits.unsentAudioBytes) this.#socket.send(message)
    else this.#output.drop('microphone-unsent')
  }

  #hold(message: string): void {
    const { heldEvents, heldCharacters } = this.#parts.limits
    const characters = this.#heldCharacters + message.length
    if (this.#heldEvents.length < heldEvents && characters <= heldCharacters) {
      this.#heldEvents.push(message)
      this.#heldCharacters = characters
      return
    }
    this.#output.drop('event-early')
    this.#sendError('backend_not_ready', 'The event is dropped: too many came before the session had begun.')
  }

  /** Of the audio that comes too early, the latest is kept. */
  #holdAudio(message: string | Uint8Array): void {
    this.#heldAudio.push(typeof message === 'string' ? message : message.slice())
    this.#dropHeldAudio(this.#heldAudio.length - this.#parts.limits.heldAudio)
  }

  #dropHeldAudio(count: number): void {
    for (let dropped = 0; dropped < count; dropped++) {
      this.#heldAudio.shift()
      this.#output.drop('microphone-early')
    }
  }

  #fail(reason: BackendEnd): void {
    this.#sendError(reason.replaceAll('-', '_'), END_MESSAGE[reason])
    this.#output.end(reason)
  }

  #sendError(code: string, message: string): void {
    const error = { type: 'server_error', code, message, param: null, event_id: null }
    this.#output.event({ type: 'error', event_id: this.#parts.mintId('event'), error })
  }
}

/** OpenAI's endpoint wants the model in the URL; the operator's choice, if the URL has one, stands. */
function urlFor(base: string, { session }: BackendCall): string {
  const url = new URL(base)
  const model = session?.['model']
  if (typeof model === 'string' && !url.searchParams.has('model')) url.searchParams.set('model', model)
  return url.href
}

/** What a client is told before its call ends. */
const END_MESSAGE: Readonly<Record<BackendEnd, string>> = {
  'backend-refused': 'The voice backend refused the call.',
  'backend-unreachable': 'The voice backend cannot be reached.',
  'backend-closed': 'The voice backend has ended the conversation.',
  'backend-lost': 'The connection to the voice backend was lost.',
  'backend-silent': 'The voice backend no longer answers.',
  'backend-flood': 'The voice backend sent more than a call may carry.',
  'backend-stalled': 'The voice backend no longer takes events.',
}

/** What OpenAI's own clients offer: a backend that does not take Opus can choose it. */
const PLAIN_SUBPROTOCOL = 'realtime'
