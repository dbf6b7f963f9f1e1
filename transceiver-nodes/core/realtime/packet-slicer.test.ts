import { alaw, mulaw } from 'alawmulaw'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from '#shared/bytes'
import { G711_SILENCE, PacketSlicer } from './packet-slicer.ts'

test('cuts any pieces into packets of 20 ms, in order, with silence after the end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 20 }), (pieces) => {
      const slicer = new PacketSlicer(0xff)
      const packets: Uint8Array[] = []
      for (const piece of pieces) slicer.push(piece, (packet) => packets.push(packet))
      slicer.flush((packet) => packets.push(packet))
      const octets = concatBytes(...pieces)
      expect(packets.every(({ length }) => length === 160)).toBe(true)
      const cut = concatBytes(...packets)
      expect(cut.subarray(0, octets.length)).toEqual(octets)
      expect(cut.length - octets.length).toBeLessThan(160)
      expect(cut.subarray(octets.length).every((octet) => octet === 0xff)).toBe(true)
    }),
  )
})

test('begins the next part without a rest of the one before', () => {
  const slicer = new PacketSlicer(0xd5)
  const packets: Uint8Array[] = []
  slicer.push(new Uint8Array(10), () => {})
  slicer.flush(() => {})
  slicer.push(new Uint8Array(160).fill(7), (packet) => packets.push(packet))
  expect(packets).toEqual([new Uint8Array(160).fill(7)])
})

test('fills with what the codecs decode to silence', () => {
  expect(Math.abs(mulaw.decodeSample(G711_SILENCE.pcmu))).toBeLessThanOrEqual(8)
  expect(Math.abs(alaw.decodeSample(G711_SILENCE.pcma))).toBeLessThanOrEqual(8)
})
