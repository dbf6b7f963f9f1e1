import { beforeEach, expect, test } from 'vitest'
import { frameHeaderBytes, MAX_CLIENT_PAYLOAD_BYTES, writeFrameHeader } from '#shared/link/frame'
import { clientWords, dtlsPacket, parseLinkDatagram, rtpPacket } from '../test-packets.ts'
import { LinkBundles } from './link-bundles.ts'

const cookie = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
const client = { address: '2001:db8::1', port: 50_000 }

let bundles: LinkBundles

beforeEach(() => {
  bundles = new LinkBundles(cookie)
})

test('bundles the packets of one upstream in the order they came', () => {
  for (const [upstream, length] of [
    [7, 100],
    [3, 50],
    [7, 200],
  ] as const)
    add(upstream, rtpPacket(length))
  expect(flush()).toEqual([
    { upstream: 7, payloads: [100, 200] },
    { upstream: 3, payloads: [50] },
  ])
  expect(bundles.isEmpty).toBe(true)
  expect(flush()).toEqual([])
})

test('carries bytes, client and cookie unharmed', () => {
  add(1, dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES))
  bundles.flush((_, datagram) => {
    const { cookie: carried, frames } = parseLinkDatagram(datagram)
    expect(carried).toEqual(cookie)
    expect(frames).toEqual([
      {
        client: { ...client, listener: 0, transport: 'udp' },
        flags: 1,
        payload: dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES),
      },
    ])
  })
})

test('begins another datagram where the MTU would be passed, and keeps the order', () => {
  for (const length of [600, 600, 600, 100]) add(1, rtpPacket(length))
  expect(flush()).toEqual([
    { upstream: 1, payloads: [600, 600] },
    { upstream: 1, payloads: [600, 100] },
  ])
})

test('sends a packet that is longer than the MTU in a datagram of its own', () => {
  for (const length of [10, MAX_CLIENT_PAYLOAD_BYTES, 20, 30]) add(1, rtpPacket(length))
  expect(flush().map(({ payloads }) => payloads)).toEqual([[10], [MAX_CLIENT_PAYLOAD_BYTES], [20, 30]])
})

test('says when it is full, and takes a whole turn again after the flush', () => {
  let taken = 0
  while (!bundles.isFull) add(taken++ % 3, rtpPacket(20))
  expect(taken).toBe(64)
  expect(flush().reduce((sum, { payloads }) => sum + payloads.length, 0)).toBe(64)
  add(1, rtpPacket(20))
  expect(flush()).toHaveLength(1)
})

test('hands out datagrams that later packets do not change', () => {
  add(1, rtpPacket(20))
  const kept: Uint8Array[] = []
  bundles.flush((_, datagram) => kept.push(datagram))
  const before = kept.map((datagram) => datagram.slice())
  add(1, dtlsPacket(500))
  bundles.flush(() => {})
  expect(kept).toEqual(before)
})

/** Writes a framed packet as the relay does. */
function add(upstream: number, packet: Uint8Array): void {
  const words = clientWords(client)
  const headerBytes = frameHeaderBytes(words, 0)
  const { memory, slotStart } = bundles
  memory.set(packet, slotStart)
  writeFrameHeader(memory, slotStart - headerBytes, words, 0, 0, packet.length)
  bundles.add(upstream, headerBytes, packet.length)
}

function flush() {
  const sent: { upstream: number; payloads: number[] }[] = []
  bundles.flush((upstream, datagram) => {
    sent.push({ upstream, payloads: parseLinkDatagram(datagram).frames.map(({ payload }) => payload.length) })
  })
  return sent
}
