/**
 * Pings the relays that carry calls, and answers theirs: docs/link.md, "Ping and pong".
 *
 * A pong that repeats a token proves that the relay at this link is there, and that it got our ping: nobody else
 * knows the token. So its cookie may be learned from it, and a relay that has restarted is served again at once,
 * before any client has said a word.
 */

import {
  LINK_COOKIE_BYTES,
  LINK_PROBE_BYTES,
  LINK_TOKEN_BYTES,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  writeLinkProbe,
} from '#shared/link/frame'
import type { LinkReader } from '#shared/link/frame'
import { LinkHealth } from '#shared/link/link-health'
import type { Millis } from '#shared/time'
import type { LinkOutput } from './link-writer.ts'
import type { RelayDirectory } from './relay-directory.ts'

/** The probes of one link port. */
export class LinkProbes {
  readonly health: LinkHealth
  readonly #memory: Uint8Array
  readonly #at: number
  readonly #directory: RelayDirectory
  readonly #output: LinkOutput

  /** Writes its datagrams at `at`, where `memory` has `LINK_PROBE_BYTES` for them; tokens come from `randomBytes`. */
  constructor(
    memory: Uint8Array,
    at: number,
    directory: RelayDirectory,
    randomBytes: (length: number) => Uint8Array,
    output: LinkOutput,
  ) {
    this.#memory = memory
    this.#at = at
    this.#directory = directory
    this.#output = output
    this.health = new LinkHealth(randomBytes)
  }

  /** Takes the ping or pong that `reader` has opened in the memory; returns why it was dropped. */
  handleProbe(link: number, reader: LinkReader, now: Millis): 'stray-pong' | undefined {
    const cookie = this.#memory.slice(reader.cookieStart, reader.cookieStart + LINK_COOKIE_BYTES)
    const token = this.#memory.slice(reader.tokenStart, reader.tokenStart + LINK_TOKEN_BYTES)
    if (reader.type === LINK_TYPE_PING) {
      this.#send(link, LINK_TYPE_PONG, cookie, token)
      return undefined
    }
    if (!this.health.handlePong(link, token, now)) return 'stray-pong'
    this.#directory.learnCookie(link, cookie, 0)
    return undefined
  }

  /** Sends the pings that are due. */
  handleTimeout(now: Millis): void {
    this.health.handleTimeout(now)
    for (let ping = this.health.nextPing(); ping !== undefined; ping = this.health.nextPing()) {
      const cookie = this.#directory.linkAt(ping.peer)?.cookie
      if (cookie !== undefined) this.#send(ping.peer, LINK_TYPE_PING, cookie, ping.token)
    }
  }

  #send(
    link: number,
    type: typeof LINK_TYPE_PING | typeof LINK_TYPE_PONG,
    cookie: Uint8Array,
    token: Uint8Array,
  ): void {
    writeLinkProbe(this.#memory, this.#at, type, cookie, token)
    this.#output.add(link, this.#at, LINK_PROBE_BYTES)
    this.#output.flush()
  }
}
