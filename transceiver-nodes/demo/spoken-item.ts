/**
 * An assistant message while it is spoken: its transcript grows with the audio, and an interruption cuts both.
 *
 * What was not heard was not said: after a truncation the transcript keeps the passages whose sound had begun.
 */

import type { AssistantMessage } from '#shared/realtime/items'

interface SpokenPassage {
  readonly text: string
  readonly fromMillis: number
}

/** One spoken, or written, message of the agent. */
export class SpokenItem {
  readonly #id: string
  readonly #modality: 'audio' | 'text'
  #passages: SpokenPassage[] = []
  #millis = 0
  #truncated = false
  #status: AssistantMessage['status'] = 'in_progress'

  constructor(id: string, modality: 'audio' | 'text') {
    this.#id = id
    this.#modality = modality
  }

  /** How long the audio is, that is: how much of it is there to be heard. */
  get millis(): number {
    return this.#millis
  }

  get text(): string {
    return this.#passages.map((passage) => passage.text).join('')
  }

  get item(): AssistantMessage {
    return {
      id: this.#id,
      object: 'realtime.item',
      type: 'message',
      status: this.#status,
      role: 'assistant',
      content: this.#passages.length === 0 ? [] : [this.#content()],
    }
  }

  /** Adds a passage and `millis` of audio; nothing once the item is truncated. */
  append(text: string, millis: number): void {
    if (this.#truncated) return
    this.#passages.push({ text, fromMillis: this.#millis })
    this.#millis += millis
  }

  /** Cuts the item after `endMillis` of its audio, as the user has heard it, and returns where it ends now. */
  truncate(endMillis: number): number {
    this.#truncated = true
    this.#status = 'incomplete'
    this.#millis = Math.min(this.#millis, endMillis)
    this.#passages = this.#passages.filter((passage) => passage.fromMillis < this.#millis)
    return this.#millis
  }

  /** Ends the item; one that was truncated stays incomplete. */
  finish(status: 'completed' | 'incomplete'): void {
    if (!this.#truncated) this.#status = status
  }

  #content(): AssistantMessage['content'][number] {
    return this.#modality === 'audio'
      ? { type: 'output_audio', transcript: this.text }
      : { type: 'output_text', text: this.text }
  }
}
