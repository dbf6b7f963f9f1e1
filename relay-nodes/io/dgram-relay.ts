/**
 * Drives a `Relay` over `node:dgram`: the portable shell, one thread, correct everywhere. docs/relay.md.
 *
 * Packets of clients are copied into a slot with headroom, routed, and flushed in `setImmediate`: libuv runs it
 * right after it has read what had arrived on every socket, so packets that came together travel together and
 * none ever waits for another. (A microtask would run after each single datagram.) Packets for clients are sent
 * from the link datagram they came in.
 */

import { ENDPOINT_WORDS, TCP_BIT } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { frameHeaderBytes, LINK_PROBE_BYTES, MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import type { Relay } from '../core/relay.ts'
import { LinkBundles } from './link-bundles.ts'
import { openTcpPorts } from './tcp-ports.ts'
import type { TcpPorts } from './tcp-ports.ts'

export interface DgramRelayOptions {
  readonly relay: Relay
  /** The cookie that the relay was made with. */
  readonly cookie: Uint8Array
  /** Where clients come, by listener. */
  readonly clients: readonly Endpoint[]
  /** Where they come on TCP; these listeners follow. */
  readonly tcpClients?: readonly Endpoint[]
  readonly link: Endpoint
  /** Takes what the relay tells and asks about flows, after each turn that had something. */
  readonly onRecords?: (records: Int32Array) => void
}

/** A relay at work. */
export interface DgramRelay {
  /** The bound ports, by listener. */
  readonly clientPorts: readonly UdpPort[]
  readonly tcpPorts: TcpPorts
  readonly linkPort: UdpPort
  /** Stops forwarding and closes every port. */
  close(): Promise<void>
}

/** Binds every port and starts forwarding; rejects, with nothing left open, if one of them cannot be bound. */
export async function startDgramRelay({
  relay,
  cookie,
  clients,
  tcpClients = [],
  link,
  onRecords,
}: DgramRelayOptions): Promise<DgramRelay> {
  const shell = new Shell(relay, cookie, onRecords)
  const binding = [
    openUdpPort(link, shell.handleLinkDatagram),
    openTcpPorts({
      binds: tcpClients,
      firstListener: relay.listeners,
      onPacket: shell.handleClientPacket,
      onClosed: (client) => relay.handleClientClosed(client, 0),
    }),
    ...clients.map((bind, listener) => openUdpPort(bind, shell.clientHandler(listener))),
  ] as const
  try {
    const [linkPort, tcpPorts, ...clientPorts] = await Promise.all(binding)
    shell.start(linkPort, clientPorts, tcpPorts)
    return { clientPorts, tcpPorts, linkPort, close: () => shell.close() }
  } catch (error) {
    const bound = (await Promise.allSettled(binding)).filter((each) => each.status === 'fulfilled')
    await Promise.all(bound.map(({ value }) => value.close()))
    throw error
  }
}

class Shell {
  readonly #relay: Relay
  readonly #bundles: LinkBundles
  readonly #onRecords: DgramRelayOptions['onRecords']
  readonly #upstreamWords = new Int32Array(ENDPOINT_WORDS)
  #clientPorts: readonly UdpPort[] = []
  #tcpPorts: TcpPorts | undefined
  #linkPort: UdpPort | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(relay: Relay, cookie: Uint8Array, onRecords: DgramRelayOptions['onRecords']) {
    this.#relay = relay
    this.#onRecords = onRecords
    this.#bundles = new LinkBundles(cookie)
  }

  start(linkPort: UdpPort, clientPorts: readonly UdpPort[], tcpPorts: TcpPorts): void {
    this.#linkPort = linkPort
    this.#clientPorts = clientPorts
    this.#tcpPorts = tcpPorts
    this.#handleTimeout()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#flush()
    const ports = [this.#linkPort, this.#tcpPorts, ...this.#clientPorts]
    await Promise.all(ports.map(async (port) => port?.close()))
  }

  clientHandler(listener: number) {
    return (datagram: Uint8Array, sender: Int32Array): void => {
      sender[4] = (sender[4] ?? 0) | (listener << 16)
      this.handleClientPacket(datagram, sender)
    }
  }

  readonly handleLinkDatagram = (datagram: Uint8Array, sender: Int32Array): void => {
    this.#relay.openLinkDatagram(datagram, 0, datagram.length, sender, 0, monotonicNow())
    while (this.#relay.nextFrame()) {
      const { client, payloadStart, payloadLength } = this.#relay.frame
      const packet = datagram.subarray(payloadStart, payloadStart + payloadLength)
      this.#portOf(client[4] ?? 0)?.send(packet, client, 0)
    }
    if (this.#relay.hasPong) this.#linkPort?.send(datagram, sender, 0)
    this.#tellRecords()
  }

  readonly handleClientPacket = (packet: Uint8Array, client: Int32Array): void => {
    const { memory, slotStart } = this.#bundles
    memory.set(packet.subarray(0, MAX_CLIENT_PAYLOAD_BYTES), slotStart)
    const upstream = this.#relay.handleClientPacket(memory, slotStart, packet.length, client, 0)
    this.#tellRecords()
    if (upstream < 0) return
    if (this.#bundles.isEmpty) setImmediate(this.#flush)
    this.#bundles.add(upstream, frameHeaderBytes(client, 0), packet.length)
    if (this.#bundles.isFull) this.#flush()
  }

  #tellRecords(): void {
    if (this.#onRecords !== undefined && this.#relay.hasFlowRecords) {
      this.#onRecords(this.#relay.takeFlowRecords())
    }
  }

  /** The port by which a client is reached, from the last of its words. */
  #portOf(word: number): Pick<UdpPort, 'send'> | undefined {
    return (word & TCP_BIT) === 0 ? this.#clientPorts[word >>> 16] : this.#tcpPorts
  }

  readonly #flush = (): void => this.#bundles.flush(this.#sendToUpstream)

  readonly #sendToUpstream = (upstream: number, datagram: Uint8Array): void => {
    this.#relay.writeLink(upstream, this.#upstreamWords, 0)
    this.#linkPort?.send(datagram, this.#upstreamWords, 0)
  }

  #sendPings(): void {
    for (;;) {
      const ping = new Uint8Array(LINK_PROBE_BYTES)
      const upstream = this.#relay.nextPing(ping, 0)
      if (upstream < 0) return
      this.#sendToUpstream(upstream, ping)
    }
  }

  readonly #handleTimeout = (): void => {
    const now = monotonicNow()
    this.#relay.handleTimeout(epochNow(), now)
    this.#sendPings()
    this.#timer = setTimeout(this.#handleTimeout, Math.max(0, this.#relay.pollTimeout() - now))
  }
}
