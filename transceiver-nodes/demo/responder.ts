/** The agent's side of the conversation: one response at a time, asked for by the client or by the end of a turn. */

import { requestError } from '#shared/realtime/client-events'
import type { RequestError, ResponseSettings } from '#shared/realtime/client-events'
import type { RealtimeSession } from '#shared/realtime/session-config'
import type { EpochSeconds } from '#shared/time'
import { replyTo } from './brain.ts'
import type { Prompt } from './brain.ts'
import { ResponseRun } from './response-run.ts'
import type { ResponsePorts } from './response-run.ts'

/** What the responses need, and whom they tell. */
export interface ResponderPorts extends ResponsePorts {
  session(): RealtimeSession
  now(): EpochSeconds
}

/** The responses of one call. */
export class Responder {
  readonly #ports: ResponderPorts
  #active: ResponseRun | undefined

  constructor(ports: ResponderPorts) {
    this.#ports = ports
  }

  /** Answers what `findPrompt` finds, in the shape that `request` asks for or else the session's. */
  respond(request: Omit<ResponseSettings, 'input'>, findPrompt: () => Prompt): RequestError | undefined {
    if (this.#active !== undefined) return conflictWith(this.#active.id)
    const settings = { ...this.#ports.session(), ...request }
    const reply = replyTo(findPrompt(), settings, this.#ports.now())
    this.#active = new ResponseRun(settings, { ...this.#ports, onEnd: (millis) => this.#handleEnd(millis) })
    this.#active.start(reply)
    return undefined
  }

  /** Ends the active response because the client says so. */
  cancel(responseId: string | undefined): RequestError | undefined {
    if (this.#active === undefined || (responseId ?? this.#active.id) !== this.#active.id) {
      return requestError('response_cancel_not_active', 'Cancellation failed: no active response found.')
    }
    this.#active.cancel('client_cancelled')
    return undefined
  }

  /** Ends the active response, if there is one, because the user speaks. */
  interrupt(): void {
    this.#active?.cancel('turn_detected')
  }

  /** Says no more: the call is over. */
  close(): void {
    this.#active?.abandon()
  }

  #handleEnd(audioMillis: number): void {
    this.#active = undefined
    this.#ports.onEnd(audioMillis)
  }
}

function conflictWith(responseId: string): RequestError {
  const message = `Conversation already has an active response in progress: ${responseId}. Wait until the response is finished before creating a new one.`
  return requestError('conversation_already_has_active_response', message)
}
