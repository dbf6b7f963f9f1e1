/**
 * When a media thread takes its turns: docs/transceiver.md, "Turns".
 *
 * On a polled port: with the tick, and once in between where a client may say something on its data channel, so that
 * all sessions share the cost of a wake-up and Node's event loop serves messages and WebSockets in between. While
 * somebody waits for every answer, turns follow each other at once and wait for packets themselves, so that a handshake
 * costs no more than its round trips. On any other port packets make their own turns, and only ticks are left.
 */

import { monotonicNow } from '#shared/platform/clock'
import type { LinkPort } from './link-port.ts'
import type { LoopSession } from './loop-session.ts'
import type { MediaLoop } from './media-loop.ts'

/** What the clock needs of a loop. */
export type TurnedLoop = Pick<MediaLoop<LoopSession>, 'tickAt' | 'hasChannels' | 'attentiveUntil' | 'turn'>

/** Drives a loop on a port until it is stopped. */
export class TurnClock {
  readonly #loop: TurnedLoop
  readonly #port: LinkPort
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #isStopped = false
  /** False while the thread has no time to wait for single packets. */
  mayAttend = true

  constructor(loop: TurnedLoop, port: LinkPort) {
    this.#loop = loop
    this.#port = port
  }

  /** Starts the turns, or has the next one sooner: a handshake is about to begin. */
  start(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    if (this.#isStopped) return
    const now = monotonicNow()
    if (this.#isAttentive) {
      this.#immediate = setImmediate(() => this.#turn(ATTENTIVE_WAIT))
      return
    }
    const untilTick = this.#loop.tickAt - now
    const hasTime = this.#port.isPolled && this.#loop.hasChannels && untilTick > TURN_MILLIS + LEAST_MILLIS
    // A timer has whole milliseconds: rounded down, it would come just before the tick, for nothing.
    const wait = hasTime ? TURN_MILLIS : Math.max(0, Math.ceil(untilTick))
    this.#timer = setTimeout(() => this.#turn(0), wait)
  }

  /** Ends the turns. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  get #isAttentive(): boolean {
    return this.#port.isPolled && this.mayAttend && monotonicNow() < this.#loop.attentiveUntil
  }

  #turn(waitMillis: number): void {
    this.#loop.turn(this.#port, waitMillis)
    this.start()
  }
}

/** From the tick to the turn in between (docs/transceiver.md has the measurement). */
const TURN_MILLIS = 10
/** A turn closer to the tick than this is left out. */
const LEAST_MILLIS = 2
/** How long an attentive turn keeps messages and WebSockets waiting, at most. */
const ATTENTIVE_WAIT = 1
