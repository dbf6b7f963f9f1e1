/**
 * The relays that may speak to this transceiver: the allow-list of docs/link.md, built from the fleet.
 *
 * A relay keeps its index for as long as it is listed, so paths and datagrams name relays by number. The
 * cookie that a relay wants echoed is learned only from datagrams whose content has been authenticated
 * (MESSAGE-INTEGRITY of a check, or an SRTP tag), so a spoofed datagram cannot silence a relay.
 */

import { EndpointTable } from '#shared/endpoint-table'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import type { RelayRecord } from '#shared/fleet/record'
import type { Millis } from '#shared/time'

/** A relay as this transceiver knows it. */
export interface KnownRelay {
  readonly id: string
  readonly region: string
  readonly link: Endpoint
  /** The relay's boot secret, echoed in every datagram to it; undefined until learned. */
  cookie: Uint8Array | undefined
}

/** Relays by index and by link endpoint. */
export class RelayDirectory {
  readonly #table = new EndpointTable(MAX_RELAYS)
  readonly #relays: (KnownRelay | undefined)[] = []
  readonly #indexById = new Map<string, number>()
  readonly #words = new Int32Array(ENDPOINT_WORDS)

  /**
   * Takes the fleet's relays. One that has gone from the list is kept while nothing needs its place: a relay
   * whose heartbeat is late still carries calls.
   */
  update(records: readonly RelayRecord[], now: Millis): void {
    for (const record of records) this.#add(record, now)
  }

  /** Finds the relay whose link endpoint is at `words[wordsAt]`; -1: a stranger. */
  find(words: Int32Array, wordsAt: number): number {
    return this.#table.find(words, wordsAt, 0)
  }

  /** Finds a relay by its id; -1: unknown. */
  indexOf(id: string): number {
    return this.#indexById.get(id) ?? -1
  }

  /** Returns the relay with this index. */
  relayAt(index: number): KnownRelay | undefined {
    return this.#relays[index]
  }

  /** Remembers the cookie of a datagram whose content has been authenticated. */
  learnCookie(index: number, memory: Uint8Array, cookieStart: number): void {
    const relay = this.#relays[index]
    if (relay === undefined) return
    const known = relay.cookie
    if (known === undefined) {
      relay.cookie = memory.slice(cookieStart, cookieStart + COOKIE_BYTES)
      return
    }
    for (let i = 0; i < COOKIE_BYTES; i++) known[i] = memory[cookieStart + i] ?? 0
  }

  #add(record: RelayRecord, now: Millis): void {
    const { address, port } = record.link
    const known = this.#relays[this.indexOf(record.id)]
    if (known !== undefined && known.link.address === address && known.link.port === port) return
    if (!writeClient(this.#words, 0, { address, port, listener: 0, transport: 'udp' })) return
    this.#drop(record.id)
    const index = this.#claim(now)
    if (index < 0) return
    this.#relays[index] = { id: record.id, region: record.region, link: record.link, cookie: undefined }
    this.#indexById.set(record.id, index)
  }

  #drop(id: string): void {
    const index = this.indexOf(id)
    if (index < 0) return
    this.#table.remove(index)
    this.#relays[index] = undefined
    this.#indexById.delete(id)
  }

  /** Takes a slot for the endpoint in `#words`, over from another relay if that one has left the same address. */
  #claim(now: Millis): number {
    const taken = this.#table.find(this.#words, 0, 0)
    const previous = taken < 0 ? undefined : this.#relays[taken]
    if (previous !== undefined) this.#indexById.delete(previous.id)
    return taken < 0 ? this.#table.insert(this.#words, 0, 0, now) : taken
  }
}

/** Length of the link cookie, docs/link.md. */
const COOKIE_BYTES = 8
/** Bound on relays known at once. */
const MAX_RELAYS = 1024
