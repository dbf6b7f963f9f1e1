/**
 * The sidebands of one engine's calls, by number: what the main thread asks for them, and what it hears of them.
 *
 * The WebSockets are the main thread's (`sideband-hub.ts`); here are only numbers and texts, so that it is the same
 * whether the engine runs on the main thread or on another.
 */

import type { SidebandFault } from '#shared/control/sideband'
import type { Listener } from '../core/audience.ts'
import type { Call } from './call.ts'

/** Which sideband, of which call. */
export interface AttachOrder {
  readonly id: number
  readonly callId: string
}

/** An event from a sideband, as it came. */
export interface SidebandMessage {
  readonly id: number
  readonly text: string
}

/** What the main thread hears of a sideband. */
export type SidebandNotice =
  | { readonly type: 'sideband-event'; readonly id: number; readonly text: string }
  /** Its call is over. */
  | { readonly type: 'sideband-end'; readonly id: number; readonly reason: string }

/** Joins sidebands and calls. */
export class SidebandDesk {
  readonly #findCall: (callId: string) => Call | undefined
  readonly #tell: (notice: SidebandNotice) => void
  readonly #seatById = new Map<number, { readonly call: Call; readonly listener: Listener }>()

  constructor(findCall: (callId: string) => Call | undefined, tell: (notice: SidebandNotice) => void) {
    this.#findCall = findCall
    this.#tell = tell
  }

  /** Joins a sideband to its call. */
  attach({ id, callId }: AttachOrder): 'attached' | SidebandFault {
    const call = this.#findCall(callId)
    if (call === undefined) return 'call-unknown'
    const listener: Listener = {
      handleEvent: (text) => this.#tell({ type: 'sideband-event', id, text }),
      handleEnd: (reason) => {
        this.#seatById.delete(id)
        this.#tell({ type: 'sideband-end', id, reason })
      },
    }
    if (!call.attach(listener)) return 'too-many-sidebands'
    this.#seatById.set(id, { call, listener })
    return 'attached'
  }

  /** Gives the call an event of a sideband's; nothing happens once its call is over. */
  handleMessage({ id, text }: SidebandMessage): void {
    const seat = this.#seatById.get(id)
    seat?.call.handleSideband(text, seat.listener)
  }

  /** Takes a sideband away. */
  detach(id: number): void {
    const seat = this.#seatById.get(id)
    seat?.call.detach(seat.listener)
    this.#seatById.delete(id)
  }
}
