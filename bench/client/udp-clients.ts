/** Light clients on UDP sockets of their own, all on one clock of 20 ms. */

import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicNow } from '#shared/platform/clock'
import { PacketMemory } from '#shared/platform/packet-memory'
import type { Millis } from '#shared/time'
import { Pacer, rtpTimestampOf } from '../../transceiver-nodes/core/media/pacer.ts'
import { createCertificate } from '../../transceiver-nodes/crypto/certificate.ts'
import { DtlsContext } from '../../transceiver-nodes/crypto/dtls-context.ts'
import { LIGHT_CLIENT_BYTES, LightClient, SEND_BYTES } from './light-client.ts'

/** Takes note of an authentic packet that reached a client, by its number, and of its bytes. */
export type OnClientAudio = (client: number, now: Millis, bytes: number) => void

/** How clients differ from those of this project's own calls. */
export interface UdpClientsOptions {
  /** What they say, 20 ms of Opus; silence when absent. */
  readonly speech?: Uint8Array
  /** As `LightIceOptions` has it. */
  readonly nominates?: boolean
  /** True: a client is silent until `talk`. */
  readonly waits?: boolean
  /** Where their sockets are bound; loopback when absent. */
  readonly bind?: string
}

/** Clients that talk for as long as they are not closed: 50 packets a second each. */
export class UdpClients {
  /** Packets of audio sent. */
  sent = 0
  readonly #memory = new PacketMemory(LIGHT_CLIENT_BYTES)
  readonly #context = new DtlsContext(createCertificate())
  readonly #onAudio: OnClientAudio
  readonly #options: UdpClientsOptions
  readonly #pacer = new Pacer(monotonicNow())
  readonly #callers: Caller[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(onAudio: OnClientAudio, options: UdpClientsOptions = {}) {
    this.#onAudio = onAudio
    this.#options = options
    this.#schedule()
  }

  /** Places a call, by a function that exchanges an offer for an answer; resolves to the client's number once it is connected. */
  async call(place: (offer: string) => Promise<string>): Promise<number> {
    const number = this.#callers.length
    const socket = createSocket('udp4')
    const client = new LightClient({
      context: this.#context,
      memory: this.#memory,
      transmit: (path, packet) => send(socket, client, path, packet),
      nominates: this.#options.nominates ?? false,
      onAudio: (_start, length, now) => this.#onAudio(number, now, length),
    })
    this.#callers.push({ socket, client, isTalking: this.#options.waits !== true })
    socket.on('message', (datagram, sender) => this.#handleDatagram(client, datagram, sender))
    socket.bind(0, this.#options.bind ?? '127.0.0.1')
    await once(socket, 'listening')
    client.handleAnswer(await place(client.offer), monotonicNow())
    const deadline = monotonicNow() + CONNECT_WAIT
    while (!client.isConnected) {
      if (monotonicNow() > deadline)
        throw new Error(`a client does not connect (${client.ending ?? 'silence'})`)
      await sleep(5)
    }
    return number
  }

  /** Has a client talk that was placed to wait. */
  talk(number: number): void {
    const caller = this.#callers[number]
    if (caller !== undefined) caller.isTalking = true
  }

  /** Has every client be silent, until it is to talk again. */
  hush(): void {
    for (const caller of this.#callers) caller.isTalking = false
  }

  /** The UDP port of a client. */
  portOf(number: number): number {
    return this.#callers[number]?.socket.address().port ?? 0
  }

  /** The address of the relay that a client sends its audio to. */
  relayAddressOf(number: number): string | undefined {
    const client = this.#callers[number]?.client
    return client?.candidates[client.selectedPath]?.address
  }

  /** Ends every call. */
  close(): void {
    clearTimeout(this.#timer)
    for (const { socket, client } of this.#callers) {
      client.close()
      socket.close()
    }
    this.#context.close()
  }

  #handleDatagram(client: LightClient, datagram: Uint8Array, sender: RemoteInfo): void {
    const path = client.candidates.findIndex(
      ({ address, port }) => address === sender.address && port === sender.port,
    )
    if (path < 0 || datagram.length > LIGHT_CLIENT_BYTES - SEND_BYTES) return
    this.#memory.bytes.set(datagram, SEND_BYTES)
    client.handlePacket(path, SEND_BYTES, datagram.length, monotonicNow())
  }

  #schedule(): void {
    const wait = Math.max(0, this.#pacer.pollTimeout() - monotonicNow())
    this.#timer = setTimeout(() => {
      this.#tick()
      this.#schedule()
    }, wait)
  }

  #tick(): void {
    const now = monotonicNow()
    const due = this.#pacer.advance(now)
    for (const { client, isTalking } of this.#callers) {
      if (client.ending !== undefined) continue
      client.handleTick(now)
      if (!isTalking) continue
      for (let frame = this.#pacer.frame; frame < this.#pacer.frame + due; frame++) {
        if (client.sendAudio(this.#options.speech ?? SILENCE, rtpTimestampOf(frame, 0))) this.sent++
      }
    }
  }
}

interface Caller {
  readonly socket: Socket
  readonly client: LightClient
  isTalking: boolean
}

/** dgram keeps the packet past the call, and a relay that is dead refuses it: neither is the client's concern. */
function send(socket: Socket, client: LightClient, path: number, packet: Uint8Array): void {
  const to = client.candidates[path]
  if (to !== undefined) socket.send(packet.slice(), to.port, to.address, () => {})
}

const CONNECT_WAIT = 10_000

/** One frame of Opus silence, RFC 6716 section 3.1: what a browser with a muted microphone sends. */
const SILENCE = new Uint8Array([0xf8, 0xff, 0xfe])
