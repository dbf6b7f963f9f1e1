/** What strangers and slow readers do to calls over TCP, at a relay process: docs/tcp.md, "Limits" and "Threats". */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readU32, writeU32 } from '#shared/bytes'
import type { Client, Endpoint } from '#shared/endpoint'
import { FRAME_FLAG_BIND } from '#shared/link/frame'
import { epochNow } from '#shared/platform/clock'
import { openStore } from '#shared/platform/store'
import { openUdpPort } from '#shared/platform/udp-dgram'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { minutesOf, mintUfrag } from '#shared/ufrag/route'
import {
  bindingRequest,
  bindingResponse,
  linkDatagram,
  parseLinkDatagram,
  ROUTE_KEYS,
  rtpPacket,
} from '../../relay-nodes/test-packets.ts'
import type { TestFrame } from '../../relay-nodes/test-packets.ts'
import { TcpCaller } from '../../relay-nodes/test-tcp-caller.ts'
import { startLocalStore } from '../../scripts/local-store/server.ts'
import type { LocalStore } from '../../scripts/local-store/server.ts'
import type { Child } from '../../scripts/start/child.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { transceiverRecord } from '../fleet-records.ts'
import { metricsAt } from '../metrics.ts'
import { relayEnvironment, relayProcess } from '../relay-process.ts'
import { until } from '../until.ts'

const route = { cluster: 1, transceiver: 1, session: 1, expiryMinutes: minutesOf(epochNow()) + 60, flags: 0 }
const check = bindingRequest(mintUfrag(route, ROUTE_KEYS))

let server: LocalStore
let relay: Child
let client: Endpoint
let admin: number
let transceiver: EchoTransceiver
const callers: TcpCaller[] = []

beforeEach(async () => {
  server = await startLocalStore({ port: 0, token: 'token' })
  transceiver = await EchoTransceiver.open()
  const store = openStore({ url: server.url, token: 'token' })
  await store.publish(transceiverRecord({ link: transceiver.endpoint }, epochNow()))
  const [clientPort = 0, linkPort = 0, adminPort = 0] = await freePorts(3)
  client = { address: '127.0.0.1', port: clientPort }
  admin = adminPort
  relay = relayProcess(
    relayEnvironment(
      { client: clientPort, link: linkPort, admin: adminPort },
      { UPSTASH_REDIS_REST_URL: server.url, FIRSTHOP_TCP_PORTS: String(clientPort) },
    ),
  )
  await relay.start()
})

afterEach(async () => {
  await Promise.all(callers.splice(0).map((caller) => caller.close()))
  await relay.kill()
  await transceiver.close()
  await server.close()
})

describe('a call over TCP', () => {
  test('is not disturbed by a flood of connections that say nothing, nonsense, or too little', async () => {
    const call = await Call.start()
    await call.run(1_000)
    const flood: TcpCaller[] = []
    const flooding = (async () => {
      for (let i = 0; i < FLOOD; i++) {
        const stranger = await TcpCaller.connect(client, `127.0.0.${2 + (i % 32)}`)
        flood.push(stranger)
        callers.push(stranger)
        if (i % 4 === 1) stranger.send(rtpPacket(160))
        if (i % 4 === 2) stranger.socket.write('GET / HTTP/1.1\r\n\r\n')
        if (i % 4 === 3) stranger.socket.write(Uint8Array.of(1))
      }
    })()
    await call.run(7_000)
    await flooding
    await until(() => expect(flood.filter(({ fate }) => fate === 'open')).toEqual([]))

    call.expectUndisturbed()
    expect(flood.map(({ receivedBytes }) => receivedBytes)).toEqual(flood.map(() => 0))
    expect(await metricsAt(admin)).toMatchObject({
      firsthop_relay_tcp_connections: 1,
      firsthop_relay_tcp_half_open: 0,
      firsthop_relay_tcp_accepted_total: FLOOD + 1,
      'firsthop_relay_tcp_ends_total{reason="half-open"}': (FLOOD * 3) / 4,
      'firsthop_relay_tcp_ends_total{reason="packet-too-long"}': FLOOD / 4,
      'firsthop_relay_drops_total{reason="unknown-flow"}': FLOOD / 4,
    })
  })

  test('is not disturbed by a client that does not read what its own call sends', async () => {
    const call = await Call.start()
    await call.run(1_000)
    const slow = await connect()
    slow.send(check)
    await until(() => expect(slow.received).toHaveLength(1))
    slow.socket.pause()
    const timer = setInterval(() => transceiver.burst(slow.endpoint.port), 10)
    const drops = 'firsthop_relay_tcp_drops_total{reason="slow-reader"}'
    await Promise.all([
      call.run(5_000),
      until(async () => expect((await metricsAt(admin))[drops]).toBeGreaterThan(0)),
    ]).finally(() => clearInterval(timer))

    call.expectUndisturbed()
    expect(slow.fate).toBe('open')
    // The newest is still to come, whole, once the client reads again.
    transceiver.send(slow.endpoint.port, bindingResponse())
    slow.socket.resume()
    await until(() => expect(slow.received.at(-1)).toEqual(bindingResponse()))
  })
})

async function connect(): Promise<TcpCaller> {
  const caller = await TcpCaller.connect(client)
  callers.push(caller)
  return caller
}

/** A call that sends a numbered packet each 20 ms and gets it back. */
class Call {
  readonly #caller: TcpCaller
  #sent = 0
  #longestGap = 0

  static async start(): Promise<Call> {
    const caller = await connect()
    caller.send(check)
    await until(() => expect(caller.received).toEqual([bindingResponse()]))
    return new Call(caller)
  }

  private constructor(caller: TcpCaller) {
    this.#caller = caller
  }

  /** Talks for a while, and until everything has come back. */
  async run(millis: number): Promise<void> {
    let heardAt = performance.now()
    const onData = () => {
      this.#longestGap = Math.max(this.#longestGap, performance.now() - heardAt)
      heardAt = performance.now()
    }
    this.#caller.socket.on('data', onData)
    const timer = setInterval(() => {
      const packet = rtpPacket(160)
      writeU32(packet, 4, this.#sent++)
      this.#caller.send(packet)
    }, 20)
    await new Promise((resolve) => setTimeout(resolve, millis))
    clearInterval(timer)
    await until(() => expect(this.#caller.received).toHaveLength(1 + this.#sent))
    this.#caller.socket.off('data', onData)
  }

  /** Every packet came back, in order, and no gap was so long that ICE would have left the path. */
  expectUndisturbed(): void {
    const numbers = this.#caller.received.slice(1).map((packet) => readU32(packet, 4))
    expect(numbers).toEqual(numbers.map((_, i) => i))
    expect(this.#caller.fate).toBe('open')
    expect(this.#longestGap).toBeLessThan(1_000)
  }
}

/** Answers every check with a BIND, echoes everything else, and floods clients on demand. */
class EchoTransceiver {
  readonly #clientByPort = new Map<number, Partial<Client> & Endpoint>()
  #cookie: Uint8Array = new Uint8Array(8)
  #relay: Int32Array = new Int32Array(5)
  #port: UdpPort | undefined

  static async open(): Promise<EchoTransceiver> {
    const echo = new EchoTransceiver()
    echo.#port = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram, sender) => {
      const { cookie, frames } = parseLinkDatagram(datagram)
      echo.#cookie = cookie
      echo.#relay = sender.slice()
      echo.#answer(frames)
    })
    return echo
  }

  get endpoint(): Endpoint {
    return this.#port?.endpoint ?? { address: '', port: 0 }
  }

  /** Sends a client, by its port, as much as a link datagram holds, a hundred times. */
  burst(port: number): void {
    for (let i = 0; i < 100; i++) this.send(port, rtpPacket(1_200))
  }

  send(port: number, payload: Uint8Array): void {
    const client = this.#clientByPort.get(port)
    if (client !== undefined) this.#post({ client, flags: 0, payload })
  }

  async close(): Promise<void> {
    await this.#port?.close()
  }

  #answer(frames: readonly TestFrame[]): void {
    for (const { client, payload } of frames) {
      const isCheck = payload[0] === 0
      if (isCheck) this.#clientByPort.set(client.port, client)
      this.#post(
        isCheck
          ? { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() }
          : { client, flags: 0, payload },
      )
    }
  }

  #post(frame: TestFrame): void {
    this.#port?.send(linkDatagram(this.#cookie, frame), this.#relay, 0)
  }
}

/** Connections of the flood: 32 sources, each with less than its share. */
const FLOOD = 1_200
