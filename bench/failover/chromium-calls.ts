/**
 * Calls of Chromium through relays of the fleet, watched on the network between them: a packet counts for the client
 * when the network hands it over, and the relay that carries a call is the one that its audio went to last.
 */

import { networkInterfaces } from 'node:os'
import type { Browser, Page } from 'playwright-core'
import { fromUtf8 } from '#shared/bytes'
import { classifyPacket } from '#shared/packet/classify'
import { findAttribute, parseStunMessage } from '#shared/stun/message'
import { ATTRIBUTE_USERNAME, BINDING_REQUEST } from '#shared/stun/registry'
import { callIdOf, UFRAG_LENGTH } from '#shared/ufrag/route'
import { launchChromium } from '../../tests/e2e/browser.ts'
import { DelayedNetwork } from '../network/delayed-network.ts'
import type { Heading } from '../network/delayed-network.ts'
import { machineNow } from './arrivals.ts'
import type { BenchFleet } from './bench-fleet.ts'
import type { RelayProcess } from './relay-process.ts'

/** Browsers refuse loopback as an ICE peer: the address of this machine that relays advertise instead. */
export function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const own = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  if (own === undefined) throw new Error('this machine has no address besides loopback')
  return own
}

/** Packets that RTP's sequence numbers say were lost, to the client and to the transceiver. */
export interface Losses {
  readonly toClient: number
  readonly toTransceiver: number
}

/** The calls of one browser. */
export class ChromiumCalls {
  readonly #fleet: BenchFleet
  readonly #browser: Browser
  readonly #pageByCall = new Map<number, Page>()
  readonly #callByClient = new Map<string, number>()
  readonly #portByCall = new Map<number, number>()
  #network: DelayedNetwork | undefined

  private constructor(fleet: BenchFleet, browser: Browser) {
    this.#fleet = fleet
    this.#browser = browser
  }

  /** Starts the browser, and the network in front of the fleet's relays. */
  static async open(fleet: BenchFleet): Promise<ChromiumCalls> {
    const calls = new ChromiumCalls(fleet, await launchChromium())
    const ports = fleet.relays.flatMap(({ site }) => site.clientPorts)
    calls.#network = await DelayedNetwork.open(ownAddress(), ports, 0, (packet, heading, port, client) =>
      calls.#observe(packet, heading, port, client),
    )
    return calls
  }

  /** Places call number `index` through these relays. */
  async place(index: number, relays: readonly RelayProcess[]): Promise<void> {
    const page = await this.#browser.newPage()
    this.#pageByCall.set(index, page)
    const offer = await page.evaluate(offerInPage)
    await page.evaluate(
      acceptInPage,
      await this.#fleet.place(
        index,
        offer,
        relays.map(({ id }) => id),
      ),
    )
  }

  /** Ends a call. */
  async end(index: number): Promise<void> {
    await this.#pageByCall.get(index)?.close()
    this.#pageByCall.delete(index)
  }

  /** The relay that a call's audio goes to. */
  relayOf(index: number): RelayProcess | undefined {
    const port = this.#portByCall.get(index) ?? -1
    return this.#fleet.relays.find(({ site }) => site.clientPorts.includes(port))
  }

  /** Delays every packet to and from a relay. */
  delay({ site }: RelayProcess, oneWayMillis: number): void {
    for (const port of site.clientPorts) this.#network?.delay(port, oneWayMillis)
  }

  /** What a call has lost so far, as both receivers have reported to Chromium. */
  async lossesOf(index: number): Promise<Losses> {
    const losses = await this.#pageByCall.get(index)?.evaluate(lossesInPage)
    if (losses === undefined) throw new Error(`there is no call ${index}`)
    return losses
  }

  async close(): Promise<void> {
    await this.#browser.close()
    this.#network?.close()
  }

  #observe(packet: Uint8Array, heading: Heading, port: number, client: string): void {
    const kind = classifyPacket(packet, 0, packet.length)
    if (kind === 'stun' && heading === 'up') this.#learnClient(packet, client)
    const call = this.#callByClient.get(client)
    if (kind !== 'rtp' || call === undefined) return
    if (heading === 'up') this.#portByCall.set(call, port)
    else this.#fleet.arrivals.note(call, 'toClient', machineNow())
  }

  /** A check names the session that its client calls. */
  #learnClient(packet: Uint8Array, client: string): void {
    const message = parseStunMessage(packet)
    if (typeof message === 'string' || message.type !== BINDING_REQUEST) return
    const username = fromUtf8(findAttribute(message, ATTRIBUTE_USERNAME) ?? new Uint8Array(0)) ?? ''
    const call = this.#fleet.callOf(callIdOf(username.slice(0, UFRAG_LENGTH)))
    if (call !== undefined) this.#callByClient.set(client, call)
  }
}

/** Runs in the page: a tone for a microphone, which needs no permission. */
async function offerInPage(): Promise<string> {
  const connection = new RTCPeerConnection()
  Object.assign(window, { connection })
  const audio = new AudioContext()
  const tone = audio.createOscillator()
  const output = audio.createMediaStreamDestination()
  tone.connect(output)
  tone.start()
  for (const track of output.stream.getTracks()) connection.addTrack(track, output.stream)
  await connection.setLocalDescription()
  return connection.localDescription?.sdp ?? ''
}

async function acceptInPage(answer: string): Promise<void> {
  const { connection } = window as unknown as { connection: RTCPeerConnection }
  const connected = new Promise<void>((resolve, reject) => {
    setTimeout(() => reject(new Error('the call did not connect')), 20_000)
    connection.addEventListener('connectionstatechange', () => {
      if (connection.connectionState === 'connected') resolve()
    })
  })
  await connection.setRemoteDescription({ type: 'answer', sdp: answer })
  await connected
}

async function lossesInPage(): Promise<Losses> {
  const { connection } = window as unknown as { connection: RTCPeerConnection }
  const reports = [...(await connection.getStats()).values()]
  const lostIn = (type: string) => Number(reports.find((report) => report.type === type)?.packetsLost ?? 0)
  return { toClient: lostIn('inbound-rtp'), toTransceiver: lostIn('remote-inbound-rtp') }
}
