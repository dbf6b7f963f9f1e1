/**
 * What is said to a call's client: events, in order, on its data channel, and on the sidebands that listen along.
 * docs/transceiver.md.
 *
 * Events that come before the channel is open wait for it. One that the channel does not take is counted, and the
 * client is told that it was too large.
 */

import type { RealtimeEvent } from '#shared/realtime/events'
import { Audience } from './audience.ts'
import type { Listener } from './audience.ts'

/** Where a call's events go. */
export interface EventOutletPorts {
  /** Sends a text on the channel; false: it is not open, the text too large, or too much waits already. */
  send(text: string): boolean
  /** Is told that an event was lost. */
  onUnsent(): void
  /** Mints an event id. */
  eventId(): string
}

/** The events of one call on their way to its client. */
export class EventOutlet {
  readonly #ports: EventOutletPorts
  readonly #audience = new Audience()
  readonly #waiting: string[] = []
  #isOpen = false

  constructor(ports: EventOutletPorts) {
    this.#ports = ports
  }

  /** Whether the client has its data channel open. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Takes note that the channel is open, and sends what has waited for it. */
  open(): void {
    this.#isOpen = true
    for (const text of this.#waiting.splice(0)) this.#ports.send(text)
  }

  /** Takes note that the channel is closed; the client may open another. */
  close(): void {
    this.#isOpen = false
  }

  /** Tells the client, and whoever listens along; `text` is an event as it came, to be passed on as it is. */
  tell(event: RealtimeEvent, text = JSON.stringify(event)): void {
    const isTaken = this.#isOpen ? this.#ports.send(text) : this.#wait(text)
    this.#audience.tell(text)
    if (isTaken) return
    this.#ports.onUnsent()
    // Too large for the client's channel; when the channel has failed, this says nothing either.
    if (this.#isOpen) this.#ports.send(JSON.stringify(unsentError(event.type, this.#ports.eventId())))
  }

  /** Lets a sideband hear what the client is told; false: there are as many as there may be. */
  attach(listener: Listener): boolean {
    return this.#audience.add(listener)
  }

  /** Takes a sideband away. */
  detach(listener: Listener): void {
    this.#audience.remove(listener)
  }

  /** Tells the sidebands that the call is over. */
  end(reason: string): void {
    this.#audience.end(reason)
  }

  #wait(text: string): boolean {
    if (this.#waiting.length >= MAX_WAITING_EVENTS) return false
    this.#waiting.push(text)
    return true
  }
}

/** Returns the error for a message that is no event; `fault` says why. */
export function malformedEventError(fault: string, eventId: string): RealtimeEvent {
  const message = 'The message is not a Realtime event: send one JSON object with a string "type".'
  const error = { type: 'invalid_request_error', code: fault, message, param: null, event_id: null }
  return { type: 'error', event_id: eventId, error }
}

function unsentError(type: string, eventId: string): RealtimeEvent {
  const message = `An event of type ${type} is larger than this client takes, and was not sent.`
  const error = { type: 'server_error', code: 'event_too_large', message, param: null, event_id: null }
  return { type: 'error', event_id: eventId, error }
}

/** Events kept until the data channel opens: a session.created and what a backend may say at once. */
export const MAX_WAITING_EVENTS = 256
