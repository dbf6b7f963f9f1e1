import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, writeU16, writeU32 } from '#shared/bytes'
import { encodeInit } from './init.ts'
import { withChecksum } from './packet.ts'
import { initialTsnOf, shiftReceived, unshiftSent } from './tsn-shift.ts'

const tsn = fc.nat(0xffff_ffff)
const by = fc.integer({ min: -0xffff_ffff, max: 1_000_000_000 })

function packetOf(...chunks: readonly Uint8Array[]): Uint8Array {
  return withChecksum(concatBytes(new Uint8Array(12), ...chunks))
}

function init(initialTsn: number): Uint8Array {
  const chunk = encodeInit({ tag: 1, windowBytes: 1, outboundStreams: 1, inboundStreams: 1, initialTsn })
  return concatBytes(chunk, new Uint8Array(2))
}

function data(value: number, bytes: number): Uint8Array {
  const chunk = new Uint8Array(16 + ((bytes + 3) & ~3))
  writeU16(chunk, 2, 16 + bytes)
  writeU32(chunk, 4, value)
  return chunk
}

function sack(cumulative: number, gaps: number, duplicates: readonly number[]): Uint8Array {
  const chunk = new Uint8Array(16 + 4 * gaps + 4 * duplicates.length)
  chunk[0] = 3
  writeU16(chunk, 2, chunk.length)
  writeU32(chunk, 4, cumulative)
  writeU16(chunk, 12, gaps)
  writeU16(chunk, 14, duplicates.length)
  for (const [i, value] of duplicates.entries()) writeU32(chunk, 16 + 4 * (gaps + i), value)
  return chunk
}

const moved = (value: number, distance: number) => (value + distance) >>> 0

test('moves the TSN of every chunk of the peer, with a checksum that fits', () => {
  fc.assert(
    fc.property(tsn, tsn, fc.integer({ min: 1, max: 9 }), by, (first, second, bytes, distance) => {
      const packet = packetOf(data(first, bytes), sack(1, 0, []), data(second, bytes))
      shiftReceived(packet, distance)
      const expected = [
        data(moved(first, distance), bytes),
        sack(1, 0, []),
        data(moved(second, distance), bytes),
      ]
      expect(packet).toEqual(packetOf(...expected))
    }),
  )
})

test('moves back what we acknowledge, duplicates included and gaps not', () => {
  fc.assert(
    fc.property(
      tsn,
      fc.nat(3),
      fc.array(tsn, { maxLength: 3 }),
      by,
      (cumulative, gaps, duplicates, distance) => {
        const packet = packetOf(
          sack(
            moved(cumulative, distance),
            gaps,
            duplicates.map((d) => moved(d, distance)),
          ),
        )
        unshiftSent(packet, distance)
        expect(packet).toEqual(packetOf(sack(cumulative, gaps, duplicates)))
      },
    ),
  )
})

test('finds the initial TSN of an INIT, and moves it', () => {
  const packet = packetOf(init(4_000_000_000))
  expect(initialTsnOf(packet)).toBe(4_000_000_000)
  shiftReceived(packet, 1_000_000_000 - 4_000_000_000)
  expect(packet).toEqual(packetOf(init(1_000_000_000)))
  expect(initialTsnOf(packetOf(data(1, 1)))).toBeUndefined()
})
