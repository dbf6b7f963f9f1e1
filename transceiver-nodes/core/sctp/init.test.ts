import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64 } from '#shared/bytes'
import { encodeInit, parseInit } from './init.ts'

/** From an offer of Chromium 156 with SNAP: tests/vectors/chromium156-snap.offer.sdp. */
const OF_CHROMIUM = fromBase64('AQAAHkAwtl8AUAAA/////889lgrAAAAEgAgABoLA') ?? new Uint8Array()

const inits = fc.record({
  tag: fc.integer({ min: 1, max: 0xffff_ffff }),
  windowBytes: fc.nat(0xffff_ffff),
  outboundStreams: fc.integer({ min: 1, max: 0xffff }),
  inboundStreams: fc.integer({ min: 1, max: 0xffff }),
  initialTsn: fc.nat(0xffff_ffff),
})

test('reads what Chromium offers, and writes it in the same bytes', () => {
  const init = parseInit(OF_CHROMIUM)
  expect(init).toEqual({
    tag: 0x4030_b65f,
    windowBytes: 5 * 2 ** 20,
    outboundStreams: 65_535,
    inboundStreams: 65_535,
    initialTsn: 0xcf3d_960a,
  })
  expect(encodeInit(init!)).toEqual(OF_CHROMIUM)
})

test('survives writing and reading', () => {
  fc.assert(
    fc.property(inits, (init) => {
      expect(parseInit(encodeInit(init))).toEqual(init)
    }),
  )
})

test('refuses what no association could begin with', () => {
  const changed = (at: number, ...bytes: number[]) => {
    const chunk = OF_CHROMIUM.slice()
    chunk.set(bytes, at)
    return parseInit(chunk)
  }
  expect(changed(0, 2)).toBeUndefined()
  expect(changed(3, 0x1f)).toBeUndefined()
  expect(changed(4, 0, 0, 0, 0)).toBeUndefined()
  expect(changed(12, 0, 0)).toBeUndefined()
  expect(changed(14, 0, 0)).toBeUndefined()
  expect(changed(22, 0, 0)).toBeUndefined()
  expect(parseInit(new Uint8Array(0))).toBeUndefined()
  expect(parseInit(OF_CHROMIUM.subarray(0, 16))).toBeUndefined()
})

test('takes any bytes without throwing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      parseInit(bytes)
      const chunk = bytes.slice()
      chunk.set([1, 0, 0, chunk.length].slice(0, chunk.length))
      parseInit(chunk)
    }),
  )
})
