import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RtpHeader, RtpPacket } from 'werift'
import { fromHex, toHex } from '#shared/bytes'
import { RTP_HEADER_BYTES, rtpHeaderBytes, RtpView, writeRtpHeader } from './rtp.ts'

const view = new RtpView()
const header = fc.record({
  payloadType: fc.nat(127),
  marker: fc.boolean(),
  sequence: fc.nat(0xffff),
  timestamp: fc.nat(0xffffffff),
  ssrc: fc.nat(0xffffffff),
})

test('reads back every header that it writes, wherever it lies', () => {
  fc.assert(
    fc.property(header, fc.nat(7), fc.nat(160), (value, start, payloadLength) => {
      const { payloadType, marker, sequence, timestamp, ssrc } = value
      const memory = new Uint8Array(start + RTP_HEADER_BYTES + payloadLength + 3).fill(0xff)
      expect(writeRtpHeader(memory, start, payloadType, marker, sequence, timestamp, ssrc)).toBe(
        RTP_HEADER_BYTES,
      )
      expect(view.read(memory, start, RTP_HEADER_BYTES + payloadLength)).toBeUndefined()
      expect(view).toMatchObject({ ...value, payloadStart: start + RTP_HEADER_BYTES, payloadLength })
    }),
  )
})

test('reads what werift writes, with contributing sources, extensions and padding', () => {
  const extension = fc.record({
    id: fc.integer({ min: 1, max: 14 }),
    payload: fc.uint8Array({ minLength: 1, maxLength: 16 }),
  })
  fc.assert(
    fc.property(
      header,
      fc.array(fc.nat(0xffffffff), { maxLength: 15 }),
      fc.array(extension, { maxLength: 3 }),
      fc.uint8Array({ maxLength: 50 }),
      fc.nat(20),
      (value, csrc, extensions, payload, paddingSize) => {
        const packet = serialize(value, csrc, extensions, payload, paddingSize)
        expect(view.read(packet, 0, packet.length)).toBeUndefined()
        expect(view).toMatchObject({ ...value, payloadLength: payload.length })
        expect(toHex(packet.subarray(view.payloadStart, view.payloadStart + view.payloadLength))).toBe(
          toHex(payload),
        )
        expect(rtpHeaderBytes(packet, 0, packet.length)).toBe(view.payloadStart)
      },
    ),
  )
})

test('writes what werift writes', () => {
  fc.assert(
    fc.property(header, (value) => {
      const { payloadType, marker, sequence, timestamp, ssrc } = value
      const memory = new Uint8Array(RTP_HEADER_BYTES)
      writeRtpHeader(memory, 0, payloadType, marker, sequence, timestamp, ssrc)
      expect(toHex(memory)).toBe(toHex(serialize(value, [], [], new Uint8Array(0), 0)))
    }),
  )
})

test.each([
  ['nothing', '', 'rtp-truncated'],
  ['11 bytes', '806f000100000002000000', 'rtp-truncated'],
  ['version 1', '406f00010000000200000003', 'rtp-version'],
  ['version 3', 'c06f00010000000200000003', 'rtp-version'],
  ['a contributing source that is missing', '816f0001000000020000000300000', 'rtp-truncated'],
  ['an extension header that is missing', '906f00010000000200000003bede', 'rtp-truncated'],
  ['an extension that is missing', '906f00010000000200000003bede000100', 'rtp-truncated'],
  ['padding with no byte to count it', 'a06f00010000000200000003', 'rtp-padding'],
  ['padding of no bytes', 'a06f0001000000020000000300', 'rtp-padding'],
  ['padding longer than the payload', 'a06f0001000000020000000303', 'rtp-padding'],
])('refuses %s', (_, hex, fault) => {
  const packet = fromHex(hex.padEnd(hex.length + (hex.length % 2), '0'))!
  expect(view.read(packet, 0, packet.length)).toBe(fault)
})

test('reads a packet of padding only, as libwebrtc probes with', () => {
  const packet = fromHex('a06f00010000000200000003000003')!
  expect(view.read(packet, 0, packet.length)).toBeUndefined()
  expect(view).toMatchObject({ payloadStart: 12, payloadLength: 0 })
})

test('measures the header of a protected packet, whose padding cannot be read', () => {
  const packet = fromHex('b06f00010000000200000003bede000151000000ffffffff')!
  expect(rtpHeaderBytes(packet, 0, packet.length)).toBe(20)
  expect(rtpHeaderBytes(packet, 0, 19)).toBe(-1)
})

test('survives any bytes, and never leaves the packet', () => {
  const looksLikeRtp = fc.tuple(fc.integer({ min: 0x80, max: 0xbf }), fc.uint8Array({ maxLength: 90 }))
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        looksLikeRtp.map(([a, b]) => Uint8Array.of(a, ...b)),
      ),
      (packet) => {
        const fault = view.read(packet, 0, packet.length)
        if (fault !== undefined) expect(fault).toMatch(/^rtp-(truncated|version|padding)$/)
        else expect(view.payloadStart + view.payloadLength).toBeLessThanOrEqual(packet.length)
      },
    ),
    { numRuns: 1000 },
  )
})

function serialize(
  value: { payloadType: number; marker: boolean; sequence: number; timestamp: number; ssrc: number },
  csrc: number[],
  extensions: { id: number; payload: Uint8Array }[],
  payload: Uint8Array,
  paddingSize: number,
): Uint8Array {
  const { sequence: sequenceNumber, ...rest } = value
  const header = new RtpHeader({
    ...rest,
    sequenceNumber,
    csrc,
    csrcLength: csrc.length,
    extension: extensions.length > 0,
    extensions: extensions.map(({ id, payload }) => ({ id, payload: Buffer.from(payload) })),
    padding: paddingSize > 0,
    paddingSize,
  })
  return Uint8Array.from(new RtpPacket(header, Buffer.from(payload)).serialize())
}
