import { expect, test } from 'vitest'
import { FRAME_FLAG_BIND, MAX_FRAME_HEADER_BYTES } from '#shared/link/frame'
import { millisOf } from '#shared/time'
import type { BlockCipher } from '#shared/ufrag/route'
import { RouteKeyRing } from '#shared/ufrag/route'
import { bindingRequest, clientWords, EPOCH, linkDatagram, rtpPacket, ufragTo } from '../test-packets.ts'
import { Relay } from './relay.ts'

test('allocates nothing per packet', { timeout: 30_000 }, () => {
  const config = { cookie, routeKeys, listeners: 1, maxFlows: 16, hashKey: [1, 2], recovers: true } as const
  const relay = new Relay(config, EPOCH, NOW)
  relay.handleUpstreams([upstream], NOW)
  const turn = (packets: number) => {
    for (let i = 0; i < packets; i += packetsPerTurn) {
      relay.openLinkDatagram(answer, 0, answer.length, sender, 0, NOW)
      while (relay.nextFrame()) forwarded += relay.frame.payloadLength
      for (const packet of uplink) {
        memory.set(packet, MAX_FRAME_HEADER_BYTES)
        if (relay.handleClientPacket(memory, MAX_FRAME_HEADER_BYTES, packet.length, client, 0) >= 0)
          forwarded++
      }
      // Flows that nobody has seen: the first thousand are looked up, and then it is a flood.
      memory.set(media, MAX_FRAME_HEADER_BYTES)
      stranger[3] = i
      relay.handleClientPacket(memory, MAX_FRAME_HEADER_BYTES, media.length, stranger, 0)
    }
  }
  let forwarded = 0
  turn(PACKETS)
  // The compiler and the test runner allocate too, now and then: the least of a few runs is the relay's own.
  const grown = Array.from({ length: 3 }, () => {
    const before = process.memoryUsage().heapUsed
    turn(PACKETS)
    return Math.abs(process.memoryUsage().heapUsed - before)
  })
  expect(forwarded).toBeGreaterThan(0)
  expect(Math.min(...grown) / PACKETS).toBeLessThan(1)
})

const PACKETS = 100_000
const NOW = millisOf(1_000)
const cookie = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])

/** The real cipher makes a `Buffer` per block, in OpenSSL's binding: this test is about everything else. */
const plain: BlockCipher = { encryptBlock: () => {}, decryptBlock: () => {} }
const routeKeys = new RouteKeyRing([{ id: 0, cipher: plain }], 0)

const upstream = { cluster: 1, transceiver: 1, link: { address: '10.0.0.1', port: 7481 } }
const sender = clientWords(upstream.link)
const endpoint = { address: '192.0.2.1', port: 50_000 }
const client = clientWords(endpoint)
const stranger = clientWords(endpoint)
const media = rtpPacket(160)
const memory = new Uint8Array(2_048)
const answer = linkDatagram(
  cookie,
  { client: endpoint, flags: FRAME_FLAG_BIND, payload: rtpPacket(100) },
  { client: endpoint, flags: 0, payload: rtpPacket(160) },
)
/** Routed by ufrag, routed by flow, and dropped for three reasons. */
const uplink = [
  bindingRequest(ufragTo(upstream, routeKeys)),
  rtpPacket(160),
  new Uint8Array([9]),
  bindingRequest('-'.repeat(22)),
  bindingRequest('short'),
]
const packetsPerTurn = uplink.length + 3
