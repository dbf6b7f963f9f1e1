/**
 * The rules of docs/relay.md in their plainest form: maps and texts, no limits but the flow table's. What the relay
 * does with a list of operations is compared with what this says.
 *
 * How packets are read is taken from `shared`, whose parsers are targets of their own.
 */

import { ENDPOINT_WORDS, formatEndpoint, readClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { classifyPacket } from '#shared/packet/classify'
import { fromUtf8 } from '#shared/bytes'
import { findAttribute, parseStunMessage } from '#shared/stun/message'
import { ATTRIBUTE_USERNAME, BINDING_REQUEST } from '#shared/stun/registry'
import { parseUfrag } from '#shared/ufrag/route'
import type { RouteKeyRing } from '#shared/ufrag/route'
import type { Upstream } from '../../relay-nodes/core/upstreams.ts'

interface Flow {
  link: string
  /** The second in which its transceiver was last heard, rounded up. */
  second: number
}

/** A relay's tables, by texts: clients as their words, upstreams as their link endpoints. */
export class RelayModel {
  /** By client, those that have been silent the longest first; but a restored one is last, though it counts as old. */
  readonly flows = new Map<string, Flow>()
  readonly #maxFlows: number
  readonly #ring: RouteKeyRing
  readonly #known = new Set<string>()
  readonly #linkByRoute = new Map<string, string>()

  constructor(maxFlows: number, ring: RouteKeyRing) {
    this.#maxFlows = maxFlows
    this.#ring = ring
  }

  /** How many upstreams there are. */
  get upstreams(): number {
    return this.#known.size
  }

  /** Tells whether a sender on the link is an upstream. */
  knows(link: Endpoint): boolean {
    return this.#known.has(formatEndpoint(link))
  }

  update(upstreams: readonly Upstream[]): void {
    const listed = new Set(upstreams.map(({ link }) => formatEndpoint(link)))
    const routes = new Set(upstreams.map(routeOf))
    for (const link of this.#known) {
      const isKept = [...this.flows.values()].some((flow) => flow.link === link)
      if (!listed.has(link) && !isKept) this.#known.delete(link)
    }
    for (const [route, link] of this.#linkByRoute) {
      const isStale = listed.has(link) && !routes.has(route)
      if (isStale || !this.#known.has(link)) this.#linkByRoute.delete(route)
    }
    for (const upstream of upstreams) {
      this.#known.add(formatEndpoint(upstream.link))
      this.#linkByRoute.set(routeOf(upstream), formatEndpoint(upstream.link))
    }
  }

  /** Returns the link endpoint that a client's packet goes to; `undefined`: it is dropped. */
  linkFor(packet: Uint8Array, words: Int32Array, nowMinutes: number): string | undefined {
    if (packet.length > 1_452 || readClient(words, 0).port === 0) return undefined
    const kind = classifyPacket(packet, 0, packet.length)
    if (kind === 'unknown') return undefined
    const ofFlow = this.flows.get(nameOf(words))?.link
    if (kind !== 'stun') return ofFlow
    const message = parseStunMessage(packet)
    if (typeof message === 'string') return undefined
    if (message.type !== BINDING_REQUEST) return ofFlow
    const name = findAttribute(message, ATTRIBUTE_USERNAME) ?? new Uint8Array()
    const colon = name.indexOf(0x3a)
    const ufrag = colon < 0 ? undefined : fromUtf8(name.subarray(0, colon))
    const route = parseUfrag(ufrag ?? '', this.#ring, nowMinutes)
    return typeof route === 'string' ? undefined : this.#linkByRoute.get(routeOf(route))
  }

  bind(words: Int32Array, link: Endpoint, now: number): void {
    const flow = this.flows.get(nameOf(words))
    const sender = formatEndpoint(link)
    if (flow === undefined) {
      if (this.flows.size < this.#maxFlows)
        this.flows.set(nameOf(words), { link: sender, second: secondOf(now) })
    } else if (flow.link === sender || flow.second * 1_000 <= now - 10_000) {
      flow.link = sender
      this.#touch(words, flow, now)
    }
  }

  unbind(words: Int32Array, link: Endpoint): void {
    if (this.flows.get(nameOf(words))?.link === formatEndpoint(link)) this.flows.delete(nameOf(words))
  }

  refresh(words: Int32Array, link: Endpoint, now: number): void {
    const flow = this.flows.get(nameOf(words))
    if (flow?.link === formatEndpoint(link)) this.#touch(words, flow, now)
  }

  restore(words: Int32Array, route: { cluster: number; transceiver: number }, now: number): void {
    const link = this.#linkByRoute.get(routeOf(route))
    const hasRoom = this.flows.size < this.#maxFlows / 2
    if (link === undefined || !hasRoom || this.flows.has(nameOf(words))) return
    this.flows.set(nameOf(words), { link, second: secondOf(now - 11_000) })
  }

  close(words: Int32Array): void {
    this.flows.delete(nameOf(words))
  }

  expire(now: number): void {
    for (const [client, { second }] of this.flows) {
      if (second * 1_000 >= now - 60_000) return
      this.flows.delete(client)
    }
  }

  #touch(words: Int32Array, flow: Flow, now: number): void {
    if (secondOf(now) <= flow.second) return
    flow.second = secondOf(now)
    this.flows.delete(nameOf(words))
    this.flows.set(nameOf(words), flow)
  }
}

function nameOf(words: Int32Array): string {
  return words.subarray(0, ENDPOINT_WORDS).join()
}

function routeOf({ cluster, transceiver }: { cluster: number; transceiver: number }): string {
  return `${cluster}/${transceiver}`
}

function secondOf(now: number): number {
  return Math.ceil(now / 1_000)
}
