/**
 * Which listeners a relay has. A listener is a client port of one transport, numbered from 0: those on UDP first, then
 * those on TCP (docs/tcp.md). One process may have two relays, of which one has the listeners on TCP alone.
 */

import { TCP_BIT } from '#shared/endpoint'

/** The listeners of one relay. */
export interface ListenerPlan {
  /** How many client ports there are on UDP; a listener is the index of one. */
  readonly listeners: number
  /** How many there are on TCP; their listeners follow. None unless said otherwise. */
  readonly tcpListeners?: number
  /** False: another relay of this process has the ports on UDP, and this one the listeners on TCP alone. */
  readonly carriesUdp?: boolean
}

/** Tells which listeners are this relay's. */
export class Listeners {
  /** How many client ports there are on UDP, and so the first listener on TCP. */
  readonly firstOnTcp: number
  /** The first listener that neither transport has. */
  readonly #end: number
  /** The first listener on UDP that another relay has: all of them, or none. */
  readonly #udpEnd: number

  /** Throws a `RangeError` if there are more than frames can name. */
  constructor({ listeners, tcpListeners = 0, carriesUdp = true }: ListenerPlan) {
    this.firstOnTcp = listeners
    this.#end = listeners + tcpListeners
    this.#udpEnd = carriesUdp ? listeners : 0
    if (this.#end > MAX_LISTENERS) throw new RangeError(`more than ${MAX_LISTENERS} client ports`)
  }

  /** Tells whether the last word of a client names one; its number and its TCP bit must agree. */
  has(word: number): boolean {
    const listener = (word >>> 16) & 0xff
    const isTcp = (word & TCP_BIT) !== 0
    return isTcp ? listener >= this.firstOnTcp && listener < this.#end : listener < this.#udpEnd
  }
}

/** A listener is one byte of a frame: docs/link.md. */
const MAX_LISTENERS = 256
