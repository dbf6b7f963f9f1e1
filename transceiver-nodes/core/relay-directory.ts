/**
 * The relays that may speak to this transceiver: the allow-list of docs/link.md, built from the fleet.
 *
 * A relay has one link or several (one for each of its threads), and several relays may stand behind one VIP: a
 * load balancer moves a client between them at will. So packets name their link by an index, paths name their
 * VIP by another, and both stay the same for as long as they are known. The cookie that a relay wants echoed is
 * learned only from datagrams whose content has been authenticated (MESSAGE-INTEGRITY of a check, or an SRTP
 * tag), so a spoofed datagram cannot silence a relay.
 */

import { EndpointTable } from '#shared/endpoint-table'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import type { RelayRecord, Vip } from '#shared/fleet/record'
import { LINK_COOKIE_BYTES } from '#shared/link/frame'
import type { Millis } from '#shared/time'

/** One link of a relay, as this transceiver knows it. */
export interface KnownLink {
  /** The relay's id. */
  readonly relay: string
  readonly region: string
  readonly endpoint: Endpoint
  /** The endpoint in words. */
  readonly words: Int32Array
  /** Index of the relay's VIP. */
  readonly vip: number
  /** The relay's boot secret, echoed in every datagram to it; undefined until learned. */
  cookie: Uint8Array | undefined
}

/** Links by index and by endpoint, VIPs by index. */
export class RelayDirectory {
  readonly #table = new EndpointTable(MAX_LINKS)
  readonly #links: (KnownLink | undefined)[] = []
  readonly #vips: string[] = []
  readonly #words = new Int32Array(ENDPOINT_WORDS)

  /**
   * Takes the fleet's relays. A link that has gone from the list is kept until another relay has its endpoint:
   * a relay whose heartbeat is late still carries calls.
   */
  update(records: readonly RelayRecord[], now: Millis): void {
    for (const record of records) {
      const ports = [record.link.port, ...(record.linkPorts ?? [])]
      for (const port of ports) this.#enter(record, { address: record.link.address, port }, now)
    }
  }

  /** Finds the link whose endpoint is at `words[wordsAt]`; -1: a stranger. */
  find(words: Int32Array, wordsAt: number): number {
    return this.#table.find(words, wordsAt, 0)
  }

  /** Tells whether a relay of this id has a link. */
  knows(id: string): boolean {
    return this.#links.some((link) => link?.relay === id)
  }

  /** Returns the link with this index. */
  linkAt(index: number): KnownLink | undefined {
    return this.#links[index]
  }

  /** Returns the index of the VIP that a link's relay stands behind; -1: unknown. */
  vipOf(link: number): number {
    return this.#links[link]?.vip ?? -1
  }

  /** Returns the name of a VIP, as `vipNameOf` gives it. */
  vipName(vip: number): string | undefined {
    return this.#vips[vip]
  }

  /** Remembers the cookie of a datagram whose content has been authenticated. */
  learnCookie(index: number, memory: Uint8Array, cookieStart: number): void {
    const link = this.#links[index]
    if (link === undefined) return
    const known = link.cookie
    if (known === undefined) {
      link.cookie = memory.slice(cookieStart, cookieStart + LINK_COOKIE_BYTES)
      return
    }
    for (let i = 0; i < LINK_COOKIE_BYTES; i++) known[i] = memory[cookieStart + i] ?? 0
  }

  #enter(record: RelayRecord, endpoint: Endpoint, now: Millis): void {
    if (!writeClient(this.#words, 0, { ...endpoint, listener: 0, transport: 'udp' })) return
    const index = this.#table.insert(this.#words, 0, 0, now)
    if (index < 0) return
    const [first] = record.vips
    const vip = this.#vipIndex(first === undefined ? '' : vipNameOf(first))
    const known = this.#links[index]
    if (known?.relay === record.id && known.vip === vip) return
    const { id: relay, region } = record
    this.#links[index] = { relay, region, endpoint, words: this.#words.slice(), vip, cookie: undefined }
  }

  #vipIndex(name: string): number {
    const known = this.#vips.indexOf(name)
    return known >= 0 ? known : this.#vips.push(name) - 1
  }
}

/** Names a VIP by its address and ports: two relays on one machine, as in the local stack, have two. */
export function vipNameOf({ address, udpPorts, tcpPorts }: Vip): string {
  return `${address} ${udpPorts.join()} ${tcpPorts.join()}`
}

/** Bound on links known at once. */
const MAX_LINKS = 4096
