import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '#shared/bytes'
import { MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'
import { framePacket, Rfc4571Reader } from './rfc4571.ts'

test('frames as RFC 4571 section 2 draws it: the length in network order, then the packet', () => {
  expect(framePacket(Uint8Array.of(7, 8, 9))).toEqual(Uint8Array.of(0, 3, 7, 8, 9))
  expect(framePacket(new Uint8Array(0x102)).subarray(0, 3)).toEqual(Uint8Array.of(1, 2, 0))
})

describe('a reader', () => {
  test('reads packets that lie whole in a chunk where they lie', () => {
    const chunk = concatBytes(framePacket(Uint8Array.of(1)), framePacket(Uint8Array.of(2, 3)))
    const reader = new Rfc4571Reader()
    reader.open(chunk)
    expect([reader.next(), reader.memory === chunk, reader.start, reader.length]).toEqual([true, true, 2, 1])
    expect([reader.next(), reader.memory === chunk, reader.start, reader.length]).toEqual([true, true, 5, 2])
    expect(reader.next()).toBe(false)
  })

  test('passes over null packets, however they are cut', () => {
    const stream = concatBytes(
      new Uint8Array(3),
      framePacket(Uint8Array.of(5)).subarray(1),
      new Uint8Array(2),
    )
    expect(readStream(cutAt(stream, [1, 2, 3, 4, 5, 6]))).toEqual({
      packets: [Uint8Array.of(5)],
      fault: undefined,
    })
    expect(readStream([stream])).toEqual({ packets: [Uint8Array.of(5)], fault: undefined })
  })

  test('takes the longest packet of a client, and stops for good at one byte more', () => {
    const longest = new Uint8Array(MAX_CLIENT_PAYLOAD_BYTES).fill(9)
    const tooLong = framePacket(new Uint8Array(MAX_CLIENT_PAYLOAD_BYTES + 1)).subarray(0, 2)
    const stream = concatBytes(framePacket(longest), tooLong, framePacket(longest))
    for (const chunks of [[stream], cutAt(stream, [1, 1_000, 1_455])]) {
      expect(readStream(chunks)).toEqual({ packets: [longest], fault: 'packet-too-long' })
    }
  })

  test.each([
    ['HTTP', 'GET / HTTP/1.1\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00'],
    ['SSH', 'SSH-2.0-'],
  ])('knows from the first two bytes that %s is none of its business', (_, text) => {
    const reader = new Rfc4571Reader()
    reader.open(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).subarray(0, 2))
    expect([reader.next(), reader.fault]).toEqual([false, 'packet-too-long'])
  })

  test('finds what a naive reader of the whole stream finds, whatever the chunks', () => {
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat(MAX_CLIENT_PAYLOAD_BYTES).map((length) => new Uint8Array(length).fill(length)),
    )
    const framed = fc
      .array(packet, { maxLength: 12 })
      .map((packets) => concatBytes(...packets.map(framePacket)))
    const stream = fc
      .tuple(framed, fc.uint8Array({ maxLength: 6 }))
      .map(([whole, rest]) => concatBytes(whole, rest))
    const cuts = fc.array(fc.nat(4_000), { maxLength: 30 })
    const property = fc.property(stream, cuts, (bytes, at) => {
      expect(readStream(cutAt(bytes, at))).toEqual(readNaively(bytes))
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('finds the same byte by byte', () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (packets) => {
      const bytes = concatBytes(...packets.map(framePacket))
      const everywhere = Array.from({ length: bytes.length }, (_, i) => i)
      expect(readStream(cutAt(bytes, everywhere))).toEqual(readNaively(bytes))
    })
    fc.assert(property)
  })
})

/** Reads chunks as a connection does; each is wiped once it has been read. */
function readStream(chunks: readonly Uint8Array[]) {
  const reader = new Rfc4571Reader()
  const packets: Uint8Array[] = []
  for (const bytes of chunks) {
    const chunk = bytes.slice()
    reader.open(chunk)
    while (reader.next()) packets.push(reader.memory.slice(reader.start, reader.start + reader.length))
    chunk.fill(0xee)
  }
  return { packets, fault: reader.fault }
}

/** The model: the whole stream at once, by the letter of the RFC. */
function readNaively(stream: Uint8Array) {
  const packets: Uint8Array[] = []
  let rest = stream
  while (rest.length >= 2) {
    const length = (rest[0] ?? 0) * 256 + (rest[1] ?? 0)
    if (length > MAX_CLIENT_PAYLOAD_BYTES) return { packets, fault: 'packet-too-long' }
    if (rest.length < 2 + length) break
    if (length > 0) packets.push(rest.slice(2, 2 + length))
    rest = rest.subarray(2 + length)
  }
  return { packets, fault: undefined }
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].toSorted((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}
