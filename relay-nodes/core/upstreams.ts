/**
 * The allow-table: which transceivers exist, from the fleet snapshot, and never from a packet.
 *
 * An upstream is a transceiver as the relay sees it. Its index is small and stays the same while it is listed,
 * so packets are routed, grouped and counted by number. One that leaves the fleet is kept while flows lead to
 * it: a registry that forgot a transceiver must not end its calls; silence will (docs/relay.md, flow lifetime).
 */

import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { EndpointTable } from '#shared/endpoint-table'
import type { Millis } from '#shared/time'

/** A transceiver: the ids that a routing ufrag names it by, and where its link is. */
export interface Upstream {
  /** 12 bits. */
  readonly cluster: number
  /** 20 bits. */
  readonly transceiver: number
  readonly link: Endpoint
}

/** Upstreams by route and by link endpoint. */
export class Upstreams {
  readonly #table = new EndpointTable(MAX_UPSTREAMS)
  readonly #indexes = new Set<number>()
  readonly #indexByRoute = new Map<number, number>()
  readonly #routeByIndex = new Int32Array(MAX_UPSTREAMS)
  readonly #words = new Int32Array(ENDPOINT_WORDS)

  /** How many there are, those kept for their flows included. */
  get size(): number {
    return this.#table.size
  }

  /** The index of each. */
  indexes(): Iterable<number> {
    return this.#indexes
  }

  /**
   * Takes the fleet's transceivers, forgets the others unless `hasFlows`, and returns how many found no room.
   * A transceiver that moved gets a new index; its old one serves the flows that are left.
   */
  update(upstreams: readonly Upstream[], hasFlows: (index: number) => boolean, now: Millis): number {
    const listed = new Set(upstreams.map(({ link }) => this.#indexOf(link)))
    for (const index of this.#indexes) {
      if (!listed.has(index) && !hasFlows(index)) this.#forget(index)
    }
    // One that came back under other ids at its old endpoint is no longer reached by the former ones.
    const routes = new Set(upstreams.map(({ cluster, transceiver }) => routeWord(cluster, transceiver)))
    for (const [route, index] of this.#indexByRoute) {
      if (listed.has(index) && !routes.has(route)) this.#indexByRoute.delete(route)
    }
    return upstreams.filter((upstream) => !this.#list(upstream, now)).length
  }

  /** Returns the index of the transceiver that a ufrag names, or -1. */
  indexOfRoute(cluster: number, transceiver: number): number {
    return this.indexOfRouteWord(routeWord(cluster, transceiver))
  }

  /** Returns the index of the transceiver whose ids are in a route word, or -1. */
  indexOfRouteWord(route: number): number {
    return this.#indexByRoute.get(route) ?? -1
  }

  /** Returns the route word of an upstream. */
  routeWordOf(index: number): number {
    return this.#routeByIndex[index] ?? 0
  }

  /** Returns the index of the upstream whose link endpoint stands at `words[at]`, or -1. */
  indexOfLink(words: Int32Array, at: number): number {
    return this.#table.find(words, at, 0)
  }

  /** Writes the five words of an upstream's link endpoint. */
  writeLink(index: number, words: Int32Array, at: number): void {
    this.#table.keyOf(index, words, at)
  }

  #indexOf(link: Endpoint): number {
    return this.#parse(link) ? this.#table.find(this.#words, 0, 0) : -1
  }

  #list({ cluster, transceiver, link }: Upstream, now: Millis): boolean {
    const index = this.#parse(link) ? this.#table.insert(this.#words, 0, 0, now) : -1
    if (index < 0) return false
    const route = routeWord(cluster, transceiver)
    this.#indexes.add(index)
    this.#indexByRoute.set(route, index)
    this.#routeByIndex[index] = route
    return true
  }

  #forget(index: number): void {
    this.#table.remove(index)
    this.#indexes.delete(index)
    for (const [route, routed] of this.#indexByRoute) {
      if (routed === index) this.#indexByRoute.delete(route)
    }
  }

  #parse({ address, port }: Endpoint): boolean {
    return writeClient(this.#words, 0, { address, port, listener: 0, transport: 'udp' })
  }
}

/** Returns both ids in one 32-bit integer, which is no heap number. */
export function routeWord(cluster: number, transceiver: number): number {
  return (cluster << 20) | transceiver
}

/** Bound on upstreams known at once. */
export const MAX_UPSTREAMS = 4_096
