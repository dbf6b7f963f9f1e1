/**
 * What strangers send while a call goes on, against the whole local stack on real sockets: a replayed STUN request,
 * noise of every class at relay and transceiver, and a peer with the wrong certificate.
 */

import dgram from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { RTCPeerConnection } from 'werift'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { classifyPacket } from '#shared/packet/classify'
import { placeCall } from '../../scripts/call/caller.ts'
import type { CallReport } from '../../scripts/call/caller.ts'
import { Speech } from '../../scripts/call/speech.ts'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'

const SPEECH = fileURLToPath(new URL('../audio/speech.wav', import.meta.url))

let stack: Stack
const strangers: dgram.Socket[] = []

beforeAll(async () => {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const stranger of strangers.splice(0)) stranger.close()
})
afterAll(() => stack?.stop())

/** A socket that counts what comes to it by class. */
function openStranger() {
  const socket = dgram.createSocket('udp4')
  const received: Record<string, number> = { stun: 0, dtls: 0, rtp: 0, rtcp: 0, unknown: 0 }
  socket.on('message', (datagram) => {
    const kind = classifyPacket(datagram, 0, datagram.length)
    received[kind] = (received[kind] ?? 0) + 1
  })
  strangers.push(socket)
  return { socket, received }
}

/** Tells `onCheck` of every STUN Binding request that leaves this process for a relay. */
function watchChecks(onCheck: (check: Uint8Array, port: number) => void): void {
  const original = dgram.Socket.prototype.send
  const relayPorts = stack.ports.relays.map(({ client }) => client)
  vi.spyOn(dgram.Socket.prototype, 'send').mockImplementation(function (
    this: dgram.Socket,
    ...args: unknown[]
  ) {
    const [datagram, port] = args
    const isCheck = datagram instanceof Uint8Array && datagram[0] === 0 && datagram[1] === 1
    if (isCheck && relayPorts.includes(port as number) && !strangers.includes(this)) {
      onCheck(Uint8Array.from(datagram), port as number)
    }
    return Reflect.apply(original, this, args) as void
  })
}

/** Places a call that says the speech sample and hears the answer out. */
function call() {
  return placeCall({ url: stack.url, key: undefined, speech: Speech.open(SPEECH), seconds: 30 })
}

function expectGoodCall(report: CallReport): void {
  expect(report.connected).toBe(true)
  expect(report.replySeconds).toBeGreaterThan(3)
  expect(report.replyRms).toBeGreaterThan(300)
  // One packet is sent for each 20 ms; a few may be under way when the caller hangs up.
  expect(report.receivedPackets).toBeGreaterThan(report.sentPackets * 0.95)
}

test('a STUN request replayed from another address moves nothing: the call goes on undisturbed', async () => {
  const { socket, received } = openStranger()
  let replays = 0
  watchChecks((check, port) => {
    for (let i = 0; i < 20; i++) {
      socket.send(check, port, stack.address)
      replays++
    }
  })
  const { report } = await call()
  expectGoodCall(report)
  expect(replays).toBeGreaterThan(40)
  // The replays verify, so they are answered and checked; what the stranger never gets is media or DTLS.
  expect(received['stun']).toBeGreaterThan(0)
  expect({ ...received, stun: 0 }).toEqual({ stun: 0, dtls: 0, rtp: 0, rtcp: 0, unknown: 0 })
})

test('noise of every class, at every port, is counted by reason and disturbs no call', async () => {
  const counts = () =>
    Promise.all([metricsAt(stack.ports.relays[0]!.admin), metricsAt(stack.ports.transceiver.admin)])
  const [relayBefore, transceiverBefore] = await counts()
  const { socket, received } = openStranger()
  const truncatedStun = Uint8Array.from([0, 1, 0, 40, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3])
  const noise = [0, 1, 0x0f, 20, 22, 63, 80, 128, 190, 200, 255].map((first) =>
    new Uint8Array(60).fill(first),
  )
  const timer = setInterval(() => {
    for (const { client, link } of stack.ports.relays) {
      for (const datagram of [...noise, truncatedStun]) {
        socket.send(datagram, client, stack.address)
        socket.send(datagram, link, '127.0.0.1')
        socket.send(datagram, stack.ports.transceiver.link, '127.0.0.1')
      }
    }
  }, 20)
  const { report } = await call().finally(() => clearInterval(timer))
  expectGoodCall(report)
  expect(Object.values(received)).toEqual([0, 0, 0, 0, 0])
  const [relay, transceiver] = await counts()
  const more = (after: Record<string, number>, before: Record<string, number>, name: string) =>
    (after[name] ?? 0) - (before[name] ?? 0)
  for (const reason of ['stun-truncated', 'stun-cookie', 'unknown-flow', 'unknown-class', 'stranger']) {
    const name = `firsthop_relay_drops_total{reason="${reason}"}`
    expect({ reason, isCounted: more(relay, relayBefore, name) > 0 }).toEqual({ reason, isCounted: true })
  }
  const strangers = 'firsthop_transceiver_drops_total{reason="link-stranger"}'
  expect(more(transceiver, transceiverBefore, strangers)).toBeGreaterThan(0)
})

test('a peer whose certificate is not the one in its offer gets no keys, and the call ends with that reason', async () => {
  const connection = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:9' }] })
  connection.addTransceiver('audio', { direction: 'sendrecv' })
  const offer = await connection.createOffer()
  await connection.setLocalDescription(offer)
  const lie = offer.sdp.replaceAll(
    /(a=fingerprint:sha-256 )(..)/g,
    (_, name: string, byte: string) => name + (byte === 'AA' ? 'BB' : 'AA'),
  )
  const secret = (await (
    await fetch(`${stack.url}/v1/realtime/client_secrets`, { method: 'POST' })
  ).json()) as {
    value: string
  }
  const response = await fetch(`${stack.url}/v1/realtime/calls`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${secret.value}` },
    body: lie,
  })
  expect(response.status).toBe(201)
  await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  const ended = 'firsthop_transceiver_calls_ended_total{reason="dtls-fingerprint-mismatch"}'
  await until(async () => expect((await metricsAt(stack.ports.transceiver.admin))[ended]).toBeGreaterThan(0))
  expect(connection.connectionState).not.toBe('connected')
  await connection.close()
})
