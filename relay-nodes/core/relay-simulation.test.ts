import { beforeEach, describe, expect, test } from 'vitest'
import { concatBytes, utf8 } from '#shared/bytes'
import { formatEndpoint, readClient } from '#shared/endpoint'
import type { Client, Endpoint } from '#shared/endpoint'
import { FRAME_FLAG_BIND, frameHeaderBytes, MAX_FRAME_HEADER_BYTES } from '#shared/link/frame'
import { classifyPacket } from '#shared/packet/classify'
import { hmacSha1 } from '#shared/platform/crypto'
import { checkIntegrity } from '#shared/stun/integrity'
import { StunView } from '#shared/stun/view'
import { millisOf } from '#shared/time'
import {
  bindingRequest,
  bindingResponse,
  clientWords,
  EPOCH,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
  ufragTo,
} from '../test-packets.ts'
import type { TestFrame } from '../test-packets.ts'
import { BindingTable } from './binding-table.ts'
import { dropCode, dropIndex } from './drop-reasons.ts'
import {
  FLOW_ABSENT,
  FLOW_BOUND,
  FLOW_FOUND,
  RECORD_CLIENT,
  RECORD_ROUTE,
  RECORD_WORDS,
} from './flow-records.ts'
import { Relay } from './relay.ts'
import type { Upstream } from './upstreams.ts'

/** Times as an unmodified browser keeps them: an RTP packet per 20 ms, a check per 2.5 s, per 100 ms until answered. */
const PACKET_INTERVAL = 20
const CHECK_INTERVAL = 2_500
const CHECK_RETRY_INTERVAL = 100

const first: Upstream = { cluster: 1, transceiver: 1, link: { address: '10.0.0.1', port: 7481 } }
const second: Upstream = { cluster: 1, transceiver: 2, link: { address: '10.0.0.2', port: 7481 } }

let world: World

beforeEach(() => {
  world = new World()
})

describe('a call through a relay that loses one packet in twenty', () => {
  test('connects at once and carries audio both ways', () => {
    const caller = world.call(first)
    world.run(10_000)
    expect(caller.connectedAt).toBeLessThan(1_000)
    expect(caller.echoed / caller.sent).toBeGreaterThan(0.85)
    expect(world.relay.flows).toBe(1)
  })

  test('goes on after the client’s address changes, with its next check', () => {
    const caller = world.call(first)
    world.run(5_000)
    caller.endpoint = { ...caller.endpoint, port: 61_000 }
    world.run(CHECK_INTERVAL + 1_000)
    expect(world.sinceEcho(caller)).toBeLessThan(500)
    world.run(70_000)
    expect(world.relay.flows).toBe(1)
  })

  test('goes on after the relay restarts, with the client’s next check', () => {
    const callers = [world.call(first), world.call(second), world.call(second)]
    world.run(5_000)
    world.restartRelay()
    expect(world.relay.flows).toBe(0)
    world.run(CHECK_INTERVAL + 1_000)
    for (const caller of callers) expect(world.sinceEcho(caller)).toBeLessThan(500)
    expect(world.relay.flows).toBe(3)
  })

  test('goes on with its next packet after the relay restarts, when its bindings are kept', () => {
    world = new World({ keepsBindings: true })
    const callers = [world.call(first), world.call(second), world.call(second)]
    world.run(5_000)
    world.restartRelay()
    for (const caller of callers) caller.nextCheckAt = Infinity
    world.run(200)
    for (const caller of callers) expect(world.sinceEcho(caller)).toBeLessThan(150)
    expect(world.relay.drops[dropIndex(dropCode('recovering'))]).toBe(callers.length)
  })

  test('goes on while the registry has lost its transceiver', () => {
    const caller = world.call(second)
    world.run(5_000)
    world.relay.handleUpstreams([first], world.now)
    world.run(90_000)
    expect(world.sinceEcho(caller)).toBeLessThan(500)
  })

  test('goes on undisturbed while somebody replays its checks, spoofs it and floods the relay', () => {
    const caller = world.call(first)
    world.run(1_000)
    const quiet = caller.echoed / caller.sent
    const floods = [bindingRequest(caller.ufrag), bindingRequest(caller.ufrag, 'guessed'), rtpPacket(160)]
    for (let i = 0; i < 3_000; i++) {
      const flood = floods[i % floods.length] ?? rtpPacket(160)
      const spoofed = i % 7 === 0 ? caller.endpoint : world.newEndpoint()
      if (spoofed !== caller.endpoint || flood !== floods[0]) world.uplink(spoofed, flood)
      if (i % 10 === 0) world.run(PACKET_INTERVAL)
    }
    expect(caller.echoed / caller.sent).toBeGreaterThan(quiet - 0.1)
  })

  test('is forgotten a minute after both ends have gone', () => {
    world.call(first)
    world.run(5_000)
    world.callers.length = 0
    world.run(62_000)
    expect(world.relay.flows).toBe(0)
  })

  test('is the same call every time', () => {
    const trace = () => {
      const again = new World()
      const caller = again.call(second)
      again.run(5_000)
      return [caller.connectedAt, caller.sent, caller.echoed, ...again.relay.counters, ...again.relay.drops]
    }
    expect(trace()).toEqual(trace())
  })
})

test('never sends a byte to a source that no transceiver has answered', () => {
  for (let i = 0; i < 1_000; i++) {
    const packet = i % 2 === 0 ? rtpPacket(160) : bindingRequest(ufragTo(first), 'wrong')
    world.uplink(world.newEndpoint(), packet)
  }
  expect(world.bytesToClients).toBe(0)
  expect(world.relay.flows).toBe(0)
})

interface Caller {
  endpoint: Client
  readonly ufrag: string
  connectedAt: number | undefined
  nextCheckAt: number
  sent: number
  echoed: number
  echoedAt: number
}

/** One relay, two transceivers and their callers, on a virtual clock and a network with seeded loss. */
class World {
  now = millisOf(0)
  bytesToClients = 0
  readonly callers: Caller[] = []
  readonly #transceivers = [new EchoTransceiver(first.link), new EchoTransceiver(second.link)]
  readonly #memory = new Uint8Array(2_048)
  #boots = 0
  #endpoints = 0
  #random = 1
  readonly #bindings: BindingTable | undefined
  relay: Relay

  /** `keepsBindings` gives the relay somebody who answers its questions with the next turn. */
  constructor({ keepsBindings = false } = {}) {
    if (keepsBindings) this.#bindings = new BindingTable(64, [1, 2])
    this.relay = this.#boot()
  }

  call(upstream: Upstream): Caller {
    const ufrag = ufragTo(upstream)
    const endpoint = this.newEndpoint()
    const caller = {
      endpoint,
      ufrag,
      connectedAt: undefined,
      nextCheckAt: this.now,
      sent: 0,
      echoed: 0,
      echoedAt: 0,
    }
    this.callers.push(caller)
    return caller
  }

  newEndpoint(): Client {
    this.#endpoints++
    return {
      address: `198.51.100.${this.#endpoints % 250}`,
      port: 10_000 + this.#endpoints,
      listener: 0,
      transport: 'udp',
    }
  }

  restartRelay(): void {
    this.relay = this.#boot()
  }

  sinceEcho(caller: Caller): number {
    return this.now - caller.echoedAt
  }

  run(duration: number): void {
    for (const end = this.now + duration; this.now < end; this.now = millisOf(this.now + PACKET_INTERVAL)) {
      if (this.now >= this.relay.pollTimeout()) this.relay.handleTimeout(EPOCH, this.now)
      for (const caller of this.callers) this.#handleTurn(caller)
      if (this.#bindings !== undefined) this.#keepBindings(this.#bindings)
    }
  }

  #keepBindings(bindings: BindingTable): void {
    const records = this.relay.takeFlowRecords()
    for (let at = 0; at < records.length; at += RECORD_WORDS) {
      const client = at + RECORD_CLIENT
      if (records[at] === FLOW_BOUND)
        bindings.enter(records, client, records[at + RECORD_ROUTE] ?? 0, this.now)
      const route = bindings.find(records, client)
      records[at + RECORD_ROUTE] = route ?? 0
      records[at] = route === undefined ? FLOW_ABSENT : FLOW_FOUND
    }
    this.relay.handleFlowRecords(records, this.now)
  }

  uplink(from: Client, packet: Uint8Array): void {
    const words = clientWords(from)
    this.#memory.set(packet, MAX_FRAME_HEADER_BYTES)
    const upstream = this.relay.handleClientPacket(
      this.#memory,
      MAX_FRAME_HEADER_BYTES,
      packet.length,
      words,
      0,
    )
    if (upstream < 0) return
    const start = MAX_FRAME_HEADER_BYTES - frameHeaderBytes(words, 0)
    const framed = this.#memory.slice(start, MAX_FRAME_HEADER_BYTES + packet.length)
    const datagram = concatBytes(linkDatagram(this.#cookie), framed)
    this.relay.writeLink(upstream, words, 0)
    const { address } = readClient(words, 0)
    const transceiver = this.#transceivers.find(({ link }) => link.address === address)
    if (transceiver === undefined || this.#isLost()) return
    const answer = transceiver.handleDatagram(datagram)
    if (answer !== undefined && !this.#isLost()) this.#downlink(transceiver.link, answer)
  }

  #handleTurn(caller: Caller): void {
    if (this.now >= caller.nextCheckAt) {
      caller.nextCheckAt = this.now + CHECK_RETRY_INTERVAL
      this.uplink(caller.endpoint, bindingRequest(caller.ufrag))
    }
    if (caller.connectedAt === undefined) return
    caller.sent++
    this.uplink(caller.endpoint, rtpPacket(160))
  }

  #downlink(sender: Endpoint, datagram: Uint8Array): void {
    this.relay.openLinkDatagram(datagram, 0, datagram.length, clientWords(sender), 0, this.now)
    while (this.relay.nextFrame()) {
      const { client, payloadStart, payloadLength } = this.relay.frame
      this.bytesToClients += payloadLength
      const caller = this.callers.find(({ endpoint }) =>
        clientWords(endpoint).every((word, i) => word === client[i]),
      )
      if (caller === undefined) continue
      if (classifyPacket(datagram, payloadStart, payloadLength) === 'stun') {
        caller.connectedAt ??= this.now
        caller.nextCheckAt = this.now + CHECK_INTERVAL
      } else {
        caller.echoed++
        caller.echoedAt = this.now
      }
    }
  }

  #boot(): Relay {
    this.#boots++
    const config = {
      cookie: this.#cookie,
      routeKeys: ROUTE_KEYS,
      listeners: 1,
      maxFlows: 64,
      hashKey: [1, 2],
      recovers: this.#bindings !== undefined,
    } as const
    const relay = new Relay(config, EPOCH, this.now)
    relay.handleUpstreams([first, second], this.now)
    return relay
  }

  get #cookie(): Uint8Array {
    return new Uint8Array(8).fill(this.#boots)
  }

  #isLost(): boolean {
    this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0
    return (this.#random >>> 16) % 20 === 0
  }
}

/** A transceiver that verifies checks, binds who passes, and echoes the media of those it has verified. */
class EchoTransceiver {
  readonly link: Endpoint
  readonly #verified = new Set<string>()
  readonly #stun = new StunView()

  constructor(link: Endpoint) {
    this.link = link
  }

  handleDatagram(datagram: Uint8Array): Uint8Array | undefined {
    const { cookie, frames } = parseLinkDatagram(datagram)
    const answers = frames.map((frame) => this.#answer(frame)).filter((frame) => frame !== undefined)
    return answers.length === 0 ? undefined : linkDatagram(cookie, ...answers)
  }

  #answer({ client, payload }: TestFrame): TestFrame | undefined {
    const name = formatEndpoint(client)
    if (classifyPacket(payload, 0, payload.length) !== 'stun') {
      return this.#verified.has(name) ? { client, flags: 0, payload } : undefined
    }
    this.#stun.read(payload, 0, payload.length)
    const isVerified = checkIntegrity(payload, hmacSha1(utf8('password'))) === 'valid'
    if (!this.#stun.isBindingRequest || !isVerified) return undefined
    this.#verified.add(name)
    return { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() }
  }
}
