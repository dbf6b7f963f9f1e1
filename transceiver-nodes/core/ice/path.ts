/**
 * One way to reach a client: through one VIP, to one client endpoint. What RFC 8445 calls a candidate pair.
 *
 * The local candidate is a port of a VIP, the remote candidate is peer-reflexive: offers carry none that matter,
 * so a path begins to exist with the first check that arrives on it and verifies. Which relay behind the VIP
 * serves it, over which link, may change at any moment: it is the one that the last authenticated packet came by.
 */

import { ENDPOINT_WORDS, TCP_BIT } from '#shared/endpoint'
import type { Millis } from '#shared/time'
import { PathQuality } from './path-quality.ts'

/** State of one path; the agent changes it, the media loop writes `heardAt` for each authenticated packet. */
export class IcePath {
  /** Index of the VIP in the relay directory. */
  readonly vip: number
  /** Index of the link by which the client was last heard, and is answered. */
  link: number
  /** The client's endpoint in words, as link frames carry it. */
  readonly client: Int32Array
  /** Position in the answer's order of preference, 0 first. */
  readonly rank: number
  /** Whether the client has connected over TCP, where one lost segment delays everything behind it. */
  readonly isTcp: boolean
  /** When the path began to exist. */
  readonly enteredAt: Millis
  /** When something authenticated last arrived on this path. */
  heardAt: Millis
  /** When one of our own checks was last answered here; RFC 7675 consent is counted from it. */
  consentAt: Millis | undefined
  /** When the next check of our own is due. */
  checkAt: Millis
  /** Round trip and loss, as our checks have found them. */
  readonly quality = new PathQuality()
  /** The latest generation of credentials (RFC 8445 section 9) under which one of our checks was answered here. */
  generation = -1

  constructor(vip: number, link: number, words: Int32Array, wordsAt: number, rank: number, now: Millis) {
    this.vip = vip
    this.link = link
    this.client = words.slice(wordsAt, wordsAt + ENDPOINT_WORDS)
    this.rank = rank
    this.isTcp = ((words[wordsAt + 4] ?? 0) & TCP_BIT) !== 0
    this.enteredAt = now
    this.heardAt = now
    this.checkAt = now
  }

  /** True once a check of our own was answered: RFC 8445 section 7.2.5.3.2 calls such a pair valid. */
  get isValid(): boolean {
    return this.consentAt !== undefined
  }

  /** The path's round trip; undefined until a check has measured it. */
  get roundTripMillis(): number | undefined {
    return this.quality.roundTripMillis
  }

  /** The client port of the VIP that this path leads through, by index. */
  get listener(): number {
    return ((this.client[4] ?? 0) >>> 16) & 0xff
  }

  /** Tells whether this is the path through `vip` to the endpoint at `words[wordsAt]`. */
  matches(vip: number, words: Int32Array, wordsAt: number): boolean {
    if (vip !== this.vip) return false
    for (let i = 0; i < ENDPOINT_WORDS; i++) if (this.client[i] !== words[wordsAt + i]) return false
    return true
  }
}
