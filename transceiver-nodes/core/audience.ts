/** The sidebands that listen to one call: docs/transceiver.md, "Sidebands". */

import { MAX_SIDEBANDS } from '#shared/control/sideband'

/** One sideband, as a call sees it. */
export interface Listener {
  /** Takes an event, as JSON. */
  handleEvent(text: string): void
  /** Is told once, that the call is over. */
  handleEnd(reason: string): void
}

/** Passes on to every listener; a call without any pays nothing. */
export class Audience {
  readonly #listeners = new Set<Listener>()

  /** Adds a listener; false: there are as many as there may be. */
  add(listener: Listener): boolean {
    if (this.#listeners.size >= MAX_SIDEBANDS) return false
    this.#listeners.add(listener)
    return true
  }

  /** Removes a listener. */
  remove(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  /** Tells all listeners of an event. */
  tell(text: string): void {
    for (const listener of this.#listeners) listener.handleEvent(text)
  }

  /** Tells all listeners that the call is over, and lets them go. */
  end(reason: string): void {
    for (const listener of this.#listeners) listener.handleEnd(reason)
    this.#listeners.clear()
  }
}
