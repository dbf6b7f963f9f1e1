import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { concatBytes, writeU16, writeU32 } from '#shared/bytes'
import { MAX_STREAMS, admitSctpPacket, withChecksum } from './packet.ts'
import type { AssociationState } from './packet.ts'

const TAG = 0x0102_0304
const LAST_RECEIVED = 0xffff_fff0
const NEXT_TSN = 5

const established: AssociationState = {
  localTag: TAG,
  isEstablished: true,
  hasInitiated: false,
  lastReceivedTsn: LAST_RECEIVED,
  nextTsn: NEXT_TSN,
  heldChunks: 0,
  windowBytes: 1_000,
}

describe('admitSctpPacket', () => {
  test('lets a sound packet through as it is', () => {
    const bytes = packet([data(), sack({ cumulative: NEXT_TSN - 1 }), chunk(4, tlv(1, 6))])
    expect(admitSctpPacket(bytes, established)).toEqual({ packet: bytes, fault: undefined })
  })

  test('takes an INIT with tag zero, alone and before the association stands', () => {
    const fresh = { ...established, isEstablished: false, lastReceivedTsn: undefined }
    expect(fault([init()], fresh, 0)).toBeUndefined()
    expect(fault([init()], fresh, TAG)).toBe('sctp-tag')
    expect(fault([init(), data()], fresh, 0)).toBe('sctp-chunk-misplaced')
    expect(fault([init()], established, 0)).toBe('sctp-chunk-misplaced')
    expect(fault([init({ tag: 0 })], fresh, 0)).toBe('sctp-chunk-malformed')
    expect(fault([init({ streams: 0 })], fresh, 0)).toBe('sctp-chunk-malformed')
    expect(fault([init({ parameters: tlv(0x8008, 3).fill(0, 2) })], fresh, 0)).toBe('sctp-chunk-malformed')
  })

  test('refuses data before INIT', () => {
    expect(fault([data()], { ...established, lastReceivedTsn: undefined })).toBe('sctp-chunk-misplaced')
  })

  test('keeps TSNs near the first missing one, across the wrap', () => {
    expect(fault([data({ tsn: 0xf0 })])).toBeUndefined()
    expect(fault([data({ tsn: 0xf1 })])).toBe('sctp-tsn-window')
    expect(fault([data({ tsn: LAST_RECEIVED - 10 })])).toBeUndefined()
  })

  test('counts all data of a packet against the window and the chunks held', () => {
    expect(fault([data({ length: 500 }), data({ length: 500 })])).toBeUndefined()
    expect(fault([data({ length: 500 }), data({ length: 501 })])).toBe('sctp-window-full')
    expect(fault([data(), data()], { ...established, heldChunks: 1_022 })).toBeUndefined()
    expect(fault([data(), data()], { ...established, heldChunks: 1_023 })).toBe('sctp-window-full')
  })

  test('refuses streams that were not negotiated and data without bytes', () => {
    expect(fault([data({ stream: MAX_STREAMS - 1 })])).toBeUndefined()
    expect(fault([data({ stream: MAX_STREAMS })])).toBe('sctp-stream')
    expect(fault([data({ length: 0 })])).toBe('sctp-chunk-malformed')
    expect(fault([chunk(192, concatBytes(new Uint8Array(4), Uint8Array.of(0xff, 0, 0, 0)))])).toBe(
      'sctp-stream',
    )
  })

  test('takes only acknowledgements of what was sent, in ascending gaps', () => {
    expect(fault([sack({ cumulative: 0, gaps: [2, 2, 4, 4] })])).toBeUndefined()
    expect(fault([sack({ cumulative: NEXT_TSN })])).toBe('sctp-acknowledges-unsent')
    expect(fault([sack({ cumulative: 0, gaps: [2, 5] })])).toBe('sctp-acknowledges-unsent')
    expect(fault([sack({ cumulative: 0, gaps: [3, 2] })])).toBe('sctp-chunk-malformed')
    expect(fault([sack({ cumulative: 0, gaps: [2, 3, 3, 4] })])).toBe('sctp-chunk-malformed')
    expect(fault([sack({ cumulative: 0, claimedGaps: 0xffff })])).toBe('sctp-chunk-malformed')
  })

  test('refuses lengths that would make a reader loop or overrun', () => {
    expect(fault([Uint8Array.of(0, 0, 0, 0)])).toBe('sctp-chunk-length')
    expect(fault([Uint8Array.of(4, 0, 0, 99)])).toBe('sctp-chunk-length')
    for (const type of [4, 5, 6, 9, 130]) {
      expect(fault([chunk(type, new Uint8Array(4))])).toBe('sctp-chunk-malformed')
    }
    expect(fault([chunk(130, tlv(13, 11))])).toBe('sctp-chunk-malformed')
    expect(fault([chunk(130, tlv(13, 13))])).toBe('sctp-chunk-malformed')
    expect(fault([chunk(130, tlv(13, 14))])).toBeUndefined()
    expect(fault([chunk(7, new Uint8Array(3))])).toBe('sctp-chunk-malformed')
    expect(fault([chunk(192, new Uint8Array(7))])).toBe('sctp-chunk-malformed')
  })

  test('takes answers to an INIT only when one was sent', () => {
    const initiating = {
      ...established,
      isEstablished: false,
      hasInitiated: true,
      lastReceivedTsn: undefined,
    }
    const initAck = init({ type: 2, parameters: tlv(7, 24) })
    expect(fault([initAck], initiating)).toBeUndefined()
    expect(fault([initAck])).toBe('sctp-chunk-misplaced')
    expect(fault([init({ type: 2, tag: 0 })], initiating)).toBe('sctp-chunk-malformed')
    expect(fault([chunk(11, new Uint8Array(0))], initiating)).toBeUndefined()
    expect(fault([chunk(11, new Uint8Array(0))])).toBe('sctp-chunk-misplaced')
  })

  test('skips an unknown chunk whose type allows it, and stops at one whose type does not', () => {
    const [first, last] = [data(), chunk(5, tlv(1, 4))]
    const skipped = admitSctpPacket(packet([first, chunk(0x84, new Uint8Array(9)), last]), established)
    expect(skipped).toEqual({ packet: packet([first, last]), fault: 'sctp-chunk-unknown' })
    const stopped = admitSctpPacket(packet([first, chunk(0x3f, new Uint8Array(9)), last]), established)
    expect(stopped).toEqual({ packet: packet([first]), fault: 'sctp-chunk-unknown' })
    const nothing = admitSctpPacket(packet([chunk(0x3f, new Uint8Array(9)), last]), established)
    expect(nothing).toEqual({ packet: undefined, fault: 'sctp-chunk-unknown' })
  })

  test('takes any bytes without throwing and admits only chunks that can be walked', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (body, isPadded) => {
        const candidate = packet([isPadded ? chunk(body[0] ?? 0, body) : body])
        const admitted = admitSctpPacket(candidate, established).packet ?? new Uint8Array(0)
        const view = new DataView(admitted.buffer, admitted.byteOffset)
        for (let at = 12; at + 4 <= admitted.length; at += (view.getUint16(at + 2) + 3) & ~3) {
          expect(view.getUint16(at + 2)).toBeGreaterThanOrEqual(4)
        }
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(admitSctpPacket(bytes, established).packet).toBeUndefined()
      }),
    )
  })
})

function fault(chunks: readonly Uint8Array[], state = established, tag = TAG) {
  return admitSctpPacket(packet(chunks, tag), state).fault
}

function packet(chunks: readonly Uint8Array[], tag = TAG): Uint8Array {
  const header = new Uint8Array(12)
  writeU32(header, 4, tag)
  return withChecksum(concatBytes(header, ...chunks))
}

function chunk(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((body.length + 7) & ~3)
  bytes[0] = type
  writeU16(bytes, 2, body.length + 4)
  bytes.set(body, 4)
  return bytes
}

function tlv(type: number, valueBytes: number): Uint8Array {
  const bytes = new Uint8Array(4 + valueBytes)
  writeU16(bytes, 0, type)
  writeU16(bytes, 2, bytes.length)
  return bytes
}

function data({ tsn = LAST_RECEIVED + 1, stream = 0, length = 1 } = {}): Uint8Array {
  const body = new Uint8Array(12 + length)
  writeU32(body, 0, tsn)
  writeU16(body, 4, stream)
  return chunk(0, body)
}

function init({ type = 1, tag = 1, streams = 10, parameters = tlv(0xc000, 0) } = {}): Uint8Array {
  const body = new Uint8Array(16)
  writeU32(body, 0, tag)
  writeU16(body, 8, streams)
  writeU16(body, 10, streams)
  return chunk(type, concatBytes(body, parameters))
}

interface SackOptions {
  readonly cumulative: number
  readonly gaps?: readonly number[]
  readonly claimedGaps?: number
}

function sack({ cumulative, gaps = [], claimedGaps }: SackOptions): Uint8Array {
  const body = new Uint8Array(12 + gaps.length * 2)
  writeU32(body, 0, cumulative)
  writeU16(body, 8, claimedGaps ?? gaps.length / 2)
  for (const [index, edge] of gaps.entries()) writeU16(body, 12 + index * 2, edge)
  return chunk(3, body)
}
