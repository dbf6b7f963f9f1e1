/**
 * Where a call's backend puts what it says. docs/backends.md.
 *
 * A class, since a packet comes this way in every tick: closures of each call's own would lie in memory that is cold.
 */

import type { RealtimeEvent } from '#shared/realtime/events'
import type { BackendDrop } from '../backends/backend-fault.ts'
import type { AudioPart, BackendOutput } from '../backends/backend.ts'
import type { Conversation } from '../core/conversation.ts'

/** What a call is told of its backend besides what it says. */
export interface CallOutputPorts {
  onDrop(reason: BackendDrop): void
  onEnd(reason: string): void
}

/** The output of one call's backend. */
export class CallOutput implements BackendOutput {
  readonly #conversation: Conversation
  readonly #ports: CallOutputPorts

  constructor(conversation: Conversation, ports: CallOutputPorts) {
    this.#conversation = conversation
    this.#ports = ports
  }

  event(event: RealtimeEvent, text?: string): void {
    this.#conversation.handleBackendEvent(event, text)
  }

  audio(part: AudioPart, samples: Int16Array): void {
    this.#conversation.handleAudio(part, samples)
  }

  packet(part: AudioPart, payload: Uint8Array): void {
    this.#conversation.handlePacket(part, payload)
  }

  audioDone(part: AudioPart): void {
    this.#conversation.handleAudioDone(part)
  }

  drop(reason: BackendDrop): void {
    this.#ports.onDrop(reason)
  }

  end(reason: string): void {
    this.#ports.onEnd(reason)
  }
}
