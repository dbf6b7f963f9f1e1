/** The rule that the packet path allocates nothing, held against the codecs that stand on it. */

import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import { datagramVectors } from '../tests/datagram-vectors.ts'
import { ENDPOINT_WORDS, writeClient } from './endpoint.ts'
import { LINK_TYPE_DATA, LinkReader, writeFrameHeader, writeLinkHeader } from './link/frame.ts'
import { classifyPacket } from './packet/classify.ts'
import { RtpView, writeRtpHeader } from './packet/rtp.ts'
import { StunView } from './stun/view.ts'
import { RouteKeyRing, RouteReader, UFRAG_LENGTH } from './ufrag/route.ts'

const [check] = datagramVectors('chromium156.stun') as [Uint8Array]
const cookie = new Uint8Array(8)
const words = new Int32Array(ENDPOINT_WORDS)
writeClient(words, 0, { address: '2001:db8::1', port: 5000, listener: 1, transport: 'udp' })

test('sees an allocation of one small object a call', () => {
  const kept: unknown[] = [undefined]
  expect(allocatedBytesPerCall((i) => (kept[0] = { i }))).toBeGreaterThan(8)
})

test('classifies a packet without allocating', () => {
  expect(allocatedBytesPerCall(() => classifyPacket(check, 0, check.length))).toBeLessThan(1)
})

test('reads a STUN message without allocating', () => {
  const view = new StunView()
  expect(allocatedBytesPerCall(() => view.read(check, 0, check.length))).toBeLessThan(1)
})

test('opens a ufrag without allocating, but for the cipher', () => {
  // Cluster and session with the top bit set, so that no number is small.
  const block = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0, 0, 0, 0, 0)
  const cipher = { encryptBlock: () => undefined, decryptBlock: (into: Uint8Array) => into.set(block) }
  const reader = new RouteReader(new RouteKeyRing([{ id: 0, cipher }], 0))
  const view = new StunView()
  view.read(check, 0, check.length)
  expect(reader.read(check, view.usernameStart, UFRAG_LENGTH, 0)).toBeUndefined()
  expect(allocatedBytesPerCall(() => reader.read(check, view.usernameStart, UFRAG_LENGTH, 0))).toBeLessThan(1)
})

test('writes and reads link frames without allocating', () => {
  const memory = new Uint8Array(2048)
  const reader = new LinkReader()
  const length =
    writeLinkHeader(memory, 0, LINK_TYPE_DATA, cookie) + writeFrameHeader(memory, 12, words, 0, 0, 160) + 160
  const writeAndRead = (): boolean => {
    writeFrameHeader(memory, 12, words, 0, 0, 160)
    reader.open(memory, 0, length)
    return reader.hasCookie(cookie) && reader.next()
  }
  expect(writeAndRead()).toBe(true)
  expect(allocatedBytesPerCall(writeAndRead)).toBeLessThan(1)
})

test('writes and reads RTP headers without allocating', () => {
  const packet = new Uint8Array(172)
  const view = new RtpView()
  const writeAndRead = (): unknown => {
    writeRtpHeader(packet, 0, 111, true, 0xffff, 0xffffffff, 0xfffffffe)
    return view.read(packet, 0, packet.length)
  }
  expect(writeAndRead()).toBeUndefined()
  expect(allocatedBytesPerCall(writeAndRead)).toBeLessThan(1)
})

/** The median of several rounds, so that neither a collection nor a compilation in one of them counts. */
function allocatedBytesPerCall(call: (i: number) => unknown): number {
  const rounds = Array.from({ length: 9 }, () => {
    const before = getHeapStatistics().used_heap_size
    for (let i = 0; i < CALLS; i++) call(i)
    return (getHeapStatistics().used_heap_size - before) / CALLS
  })
  return rounds.sort((a, b) => a - b)[4] ?? Number.NaN
}

const CALLS = 20_000
