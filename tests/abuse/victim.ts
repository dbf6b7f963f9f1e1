/** A call that is under way while a relay is abused: 50 packets a second, each of which comes back. */

import { readU32, writeU32 } from '#shared/bytes'
import type { Endpoint } from '#shared/endpoint'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { bindingRequest, clientWords, rtpPacket } from '../../relay-nodes/test-packets.ts'

export const VICTIM_PASSWORD = 'the victim alone knows'

/** What became of the packets of a while. */
export interface Passage {
  readonly sent: number
  readonly lossPercent: number
  /** Round trips in milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** The client's end of the call. */
export class Victim {
  readonly #port: UdpPort
  readonly #relay: Int32Array
  readonly #sentAt = new Map<number, number>()
  #roundTrips: number[] = []
  #sequence = 0

  /** Places the call: resolves when a first packet has come back. */
  static async call(relay: Endpoint, ufrag: string): Promise<Victim> {
    let victim: Victim | undefined
    const port = await openUdpPort({ address: '127.0.0.1', port: 0 }, (packet) =>
      victim?.handlePacket(packet),
    )
    victim = new Victim(port, relay)
    while (victim.#roundTrips.length === 0) {
      port.send(bindingRequest(ufrag, VICTIM_PASSWORD), victim.#relay, 0)
      await wait(INTERVAL)
      victim.#sendOne()
      await wait(INTERVAL)
    }
    return victim
  }

  private constructor(port: UdpPort, relay: Endpoint) {
    this.#port = port
    this.#relay = clientWords(relay)
  }

  /** Talks for a while, then waits for stragglers. */
  async talk(millis: number): Promise<Passage> {
    this.#sentAt.clear()
    this.#roundTrips = []
    const startedAt = performance.now()
    let sent = 0
    while (performance.now() - startedAt < millis) {
      for (const due = Math.ceil((performance.now() - startedAt) / INTERVAL); sent < due; sent++)
        this.#sendOne()
      await wait(INTERVAL / 2)
    }
    await wait(STRAGGLERS_WAIT)
    const sorted = this.#roundTrips.toSorted((a, b) => a - b)
    const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Infinity
    return { sent, lossPercent: (100 * (sent - sorted.length)) / sent, p50: rank(0.5), p99: rank(0.99) }
  }

  close(): Promise<void> {
    return this.#port.close()
  }

  handlePacket(packet: Uint8Array): void {
    const sequence = readU32(packet, SEQUENCE_AT)
    const sentAt = this.#sentAt.get(sequence)
    if (packet.length !== PACKET_BYTES || sentAt === undefined) return
    this.#sentAt.delete(sequence)
    this.#roundTrips.push(performance.now() - sentAt)
  }

  #sendOne(): void {
    const packet = rtpPacket(PACKET_BYTES)
    writeU32(packet, SEQUENCE_AT, ++this.#sequence)
    this.#sentAt.set(this.#sequence, performance.now())
    this.#port.send(packet, this.#relay, 0)
  }
}

function wait(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}

/** One packet of speech every 20 ms. */
const INTERVAL = 20
const PACKET_BYTES = 160
const SEQUENCE_AT = 20

/** A packet that comes later than this is of no use to a call. */
const STRAGGLERS_WAIT = 500
