/** The sidebands of this transceiver, seen from the main thread: a number for each, and who hears what it is told. */

import type { Listener } from '../core/audience.ts'
import type { SidebandNotice } from './sideband-desk.ts'

/** Numbers sidebands and passes on what engines say of them. */
export class SidebandHub {
  readonly #listenerById = new Map<number, Listener>()
  #lastId = 0

  /** Takes a sideband and returns its number. */
  open(listener: Listener): number {
    const id = ++this.#lastId
    this.#listenerById.set(id, listener)
    return id
  }

  /** Forgets a sideband. */
  close(id: number): void {
    this.#listenerById.delete(id)
  }

  /** Passes on a notice; one for a sideband that has left is nobody's. */
  handleNotice(notice: SidebandNotice): void {
    const listener = this.#listenerById.get(notice.id)
    if (notice.type === 'sideband-event') return listener?.handleEvent(notice.text)
    this.close(notice.id)
    listener?.handleEnd(notice.reason)
  }
}
