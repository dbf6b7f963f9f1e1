import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from '#shared/bytes'
import { RedView } from './red.ts'

const view = new RedView()
const block = fc.record({
  payloadType: fc.nat(127),
  offset: fc.nat(0x3fff),
  payload: fc.uint8Array({ maxLength: 60 }),
})
type Block = typeof block extends fc.Arbitrary<infer Value> ? Value : never

test('reads the copies and the packet itself where they lie', () => {
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 8 }), fc.nat(5), (blocks, start) => {
      const bytes = encode(blocks)
      const memory = concatBytes(new Uint8Array(start).fill(0xff), bytes, Uint8Array.of(0xff))
      expect(view.read(memory, start, bytes.length)).toBeUndefined()
      expect(view.blockCount).toBe(blocks.length)
      for (const [index, { payloadType, offset, payload }] of blocks.entries()) {
        const at = view.starts[index]!
        expect(view.payloadTypes[index]).toBe(payloadType)
        expect(view.timestampOffsets[index]).toBe(index === blocks.length - 1 ? 0 : offset)
        expect([...memory.subarray(at, at + view.lengths[index]!)]).toEqual([...payload])
      }
    }),
  )
})

test('reads a packet of Chromium with one copy, 20 ms older', () => {
  const bytes = Uint8Array.of(0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 3, 4, 5)
  expect(view.read(bytes, 0, bytes.length)).toBeUndefined()
  expect(view.blockCount).toBe(2)
  expect([...view.payloadTypes.subarray(0, 2)]).toEqual([111, 111])
  expect([view.timestampOffsets[0], view.starts[0], view.lengths[0]]).toEqual([960, 5, 2])
  expect([view.starts[1], view.lengths[1]]).toEqual([7, 3])
})

test.each([
  ['nothing', [], 'red-truncated'],
  ['a header that is cut', [0xef, 0x0f], 'red-truncated'],
  ['no header of its own', [0xef, 0x0f, 0x00, 0x00], 'red-truncated'],
  ['a copy that is longer than the packet', [0xef, 0x0f, 0x00, 0x09, 0x6f, 1], 'red-truncated'],
  [
    'more copies than anyone sends',
    Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 0xef : 0)),
    'red-too-many',
  ],
])('refuses %s', (_, bytes, fault) => {
  expect(view.read(Uint8Array.from(bytes), 0, bytes.length)).toBe(fault)
})

test('survives any bytes, and never leaves the packet', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      if (view.read(bytes, 0, bytes.length) !== undefined) return
      for (let index = 0; index < view.blockCount; index++) {
        expect(view.starts[index]! + view.lengths[index]!).toBeLessThanOrEqual(bytes.length)
      }
    }),
  )
})

function encode(blocks: readonly Block[]): Uint8Array {
  const headers = blocks.map(({ payloadType, offset, payload }, index) =>
    index === blocks.length - 1
      ? Uint8Array.of(payloadType)
      : Uint8Array.of(
          0x80 | payloadType,
          offset >> 6,
          ((offset & 0x3f) << 2) | (payload.length >> 8),
          payload.length & 0xff,
        ),
  )
  return concatBytes(...headers, ...blocks.map(({ payload }) => payload))
}
