import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { datagramVectors, DTLS_VECTORS, STUN_VECTORS } from '../../tests/datagram-vectors.ts'
import { classifyPacket } from './classify.ts'
import type { PacketKind } from './classify.ts'

/** RFC 9443 section 3, the whole table; what this project does not speak is `unknown`. */
const RANGES: readonly (readonly [number, number, PacketKind])[] = [
  [0, 3, 'stun'],
  [4, 15, 'unknown'], // nobody's; the link uses 15
  [16, 19, 'unknown'], // ZRTP
  [20, 63, 'dtls'],
  [64, 79, 'unknown'], // TURN channel, or QUIC
  [80, 127, 'unknown'], // QUIC
  [128, 191, 'rtp'],
  [192, 255, 'unknown'], // QUIC
]

test('covers every first byte exactly once', () => {
  const covered = RANGES.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
  expect(covered).toEqual(Array.from({ length: 256 }, (_, first) => first))
})

test.each(RANGES)('classifies first bytes %i to %i as %s', (from, to, kind) => {
  for (let first = from; first <= to; first++) {
    expect(classifyPacket(Uint8Array.of(first, 0, 0, 0), 0, 4), `first byte ${first}`).toBe(kind)
    expect(classifyPacket(Uint8Array.of(first), 0, 1), `only byte ${first}`).toBe(kind)
  }
})

test('takes second bytes 192 to 223 for RTCP, RFC 5761 section 4, in all 64 first bytes of RTP', () => {
  for (let first = 128; first <= 191; first++) {
    const rtcpTypes = Array.from({ length: 256 }, (_, second) => second).filter(
      (second) => classifyPacket(Uint8Array.of(first, second), 0, 2) === 'rtcp',
    )
    expect(rtcpTypes).toEqual(Array.from({ length: 32 }, (_, i) => 192 + i))
  }
})

test('leaves the payload types that browsers use, marked or not, to RTP', () => {
  for (const payloadType of [0, 8, 9, 13, 63, 96, 111, 126, 127]) {
    expect(classifyPacket(Uint8Array.of(0x80, payloadType), 0, 2)).toBe('rtp')
    expect(classifyPacket(Uint8Array.of(0x80, 0x80 | payloadType), 0, 2)).toBe('rtp')
  }
})

test('calls an empty datagram unknown', () => {
  expect(classifyPacket(new Uint8Array(4), 2, 0)).toBe('unknown')
})

test('looks only at the datagram, wherever it lies', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 8 }), (packet, before) => {
      const memory = Uint8Array.from([...before, ...packet, 0xc8, 0xc8])
      expect(classifyPacket(memory, before.length, packet.length)).toBe(
        classifyPacket(packet, 0, packet.length),
      )
    }),
  )
})

test.each(DTLS_VECTORS)('classifies every datagram of %s as DTLS', (name) => {
  for (const packet of datagramVectors(name)) expect(classifyPacket(packet, 0, packet.length)).toBe('dtls')
})

test.each(STUN_VECTORS)('classifies every datagram of %s as STUN', (name) => {
  for (const packet of datagramVectors(name)) expect(classifyPacket(packet, 0, packet.length)).toBe('stun')
})
