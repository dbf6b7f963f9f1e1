/**
 * The user's side of the conversation: `input_audio_buffer.*` events, and a conversation item per turn.
 *
 * Items of speech are committed with no transcript, because the agent understands none; when the session asks for
 * transcription, it is told so in words.
 */

import { requestError } from '#shared/realtime/client-events'
import type { RequestError } from '#shared/realtime/client-events'
import type { MintId } from '#shared/realtime/events'
import type { UserMessage } from '#shared/realtime/items'
import type { Emit } from '#shared/realtime/server-events'
import type { RealtimeSession } from '#shared/realtime/session-config'
import type { ConversationItems } from './conversation-items.ts'
import { Listener } from './listener.ts'
import { secondsOf } from './spoken-text.ts'
import type { Span, TurnEvent } from './turn-taking.ts'

/** What the turns need, and whom they tell. */
export interface UserTurnPorts {
  readonly emit: Emit
  readonly mintId: MintId
  readonly items: ConversationItems
  session(): RealtimeSession
  /** The user began to speak. */
  onSpeech(): void
  /** A turn ended by itself, and its item stands in the conversation. */
  onTurn(): void
  /** The user was silent for as long as the session allows. */
  onSilence(): void
}

/** What the user said in a turn. */
export interface HeardSpeech {
  readonly itemId: string
  readonly spokenMillis: number
  readonly recording: Int16Array
}

/** One user. */
export class UserTurns {
  readonly #ports: UserTurnPorts
  readonly #listener = new Listener((event) => this.#handleTurn(event))
  /** The item that the turn in progress will be. */
  #itemId = ''
  #heard: HeardSpeech | undefined

  constructor(ports: UserTurnPorts) {
    this.#ports = ports
    this.applySession()
  }

  /** Follows a change of the session. */
  applySession(): void {
    this.#listener.configure(this.#ports.session().audio.input.turn_detection)
  }

  /** Takes the next samples of the microphone. */
  handleAudio(samples: Int16Array): void {
    this.#listener.handleAudio(samples)
  }

  /** Ends the turn because the client says so. */
  commit(): RequestError | undefined {
    const span = this.#listener.commit()
    const millis = span.toMillis - span.fromMillis
    if (millis < MIN_COMMIT_MILLIS) {
      const message = `Expected at least ${MIN_COMMIT_MILLIS} ms of audio, but the buffer has ${millis.toFixed()} ms.`
      return requestError('input_audio_buffer_commit_empty', message)
    }
    this.#itemId = this.#ports.mintId('item')
    this.#commit(span, millis)
    return undefined
  }

  /** Forgets the turn in progress. */
  clear(): undefined {
    this.#listener.clear()
    this.#ports.emit('input_audio_buffer.cleared', {})
  }

  /** Hands over the recording of the item `itemId`, once. */
  takeHeard(itemId: string): HeardSpeech | undefined {
    if (this.#heard?.itemId !== itemId) return undefined
    const heard = this.#heard
    this.#heard = undefined
    return heard
  }

  /** Starts the idle time after a reply of `replyMillis`. */
  expectSpeechAfter(replyMillis: number): void {
    this.#listener.expectSpeechAfter(replyMillis)
  }

  close(): void {
    this.#listener.close()
  }

  #handleTurn(event: TurnEvent): void {
    switch (event.type) {
      case 'speech-started':
        return this.#start(event.startMillis)
      case 'speech-stopped':
        return this.#stop(event.turn, event.spoken)
      case 'idle':
        return this.#timeOut(event.quiet)
    }
  }

  #start(startMillis: number): void {
    this.#itemId = this.#ports.mintId('item')
    this.#ports.emit('input_audio_buffer.speech_started', {
      item_id: this.#itemId,
      audio_start_ms: startMillis,
    })
    this.#ports.onSpeech()
  }

  #stop(turn: Span, spoken: Span): void {
    this.#ports.emit('input_audio_buffer.speech_stopped', {
      item_id: this.#itemId,
      audio_end_ms: turn.toMillis,
    })
    const recorded = { fromMillis: turn.fromMillis, toMillis: spoken.toMillis + RELEASE_MILLIS }
    this.#commit(recorded, spoken.toMillis - spoken.fromMillis)
    this.#ports.onTurn()
  }

  #timeOut(quiet: Span): void {
    this.#itemId = this.#ports.mintId('item')
    this.#ports.emit('input_audio_buffer.timeout_triggered', {
      item_id: this.#itemId,
      audio_start_ms: quiet.fromMillis,
      audio_end_ms: quiet.toMillis,
    })
    this.#commit({ fromMillis: quiet.toMillis, toMillis: quiet.toMillis }, 0)
    this.#ports.onSilence()
  }

  #commit(span: Span, spokenMillis: number): void {
    const itemId = this.#itemId
    this.#heard = { itemId, spokenMillis, recording: this.#listener.read(span) }
    const transcribes = this.#ports.session().audio.input.transcription !== null
    const transcript = transcribes
      ? `(the demo agent does not transcribe; it heard ${secondsOf(spokenMillis)} seconds)`
      : null
    const item: UserMessage = {
      id: itemId,
      object: 'realtime.item',
      type: 'message',
      status: 'completed',
      role: 'user',
      content: [{ type: 'input_audio', transcript }],
    }
    this.#ports.emit('input_audio_buffer.committed', {
      item_id: itemId,
      previous_item_id: this.#ports.items.last?.id ?? null,
    })
    const previousId = this.#ports.items.append({ item })
    this.#ports.emit('conversation.item.done', { previous_item_id: previousId, item })
    if (transcript !== null) this.#reportTranscript(itemId, transcript, spokenMillis)
  }

  #reportTranscript(itemId: string, transcript: string, spokenMillis: number): void {
    this.#ports.emit('conversation.item.input_audio_transcription.completed', {
      item_id: itemId,
      content_index: 0,
      transcript,
      usage: { type: 'duration', seconds: spokenMillis / 1000 },
    })
  }
}

/** The API's least amount of audio for a commit. */
const MIN_COMMIT_MILLIS = 100

/** Keeps the soft end of a word, which the detector no longer takes for speech. */
const RELEASE_MILLIS = 100
