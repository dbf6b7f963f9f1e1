import { expect, test } from 'vitest'
import { halfSipHash } from './half-sip-hash.ts'

/** Outputs for the bytes 00 01 02 … of each length, under the key 00 … 07: the vectors of the SipHash authors. */
const VECTORS: readonly (readonly [lengthBytes: number, hash: number])[] = [
  [4, 0x7e059ea6],
  [8, 0x577999b1],
  [12, 0x6b28096c],
  [16, 0x8b31d501],
  [20, 0x911bb605],
  [24, 0x57150ad7],
  [28, 0x0a4100d0],
  [32, 0xbc6dda8d],
]

test.each(VECTORS)('agrees with the published vector of %i bytes', (lengthBytes, hash) => {
  const bytes = Uint8Array.from({ length: lengthBytes }, (_, i) => i)
  const words = new Int32Array(bytes.buffer)
  const count = words.length - 1
  expect(halfSipHash(words, 0, count, words.at(-1) ?? 0, 0x03020100, 0x07060504) >>> 0).toBe(hash)
})

test('depends on the key', () => {
  const words = new Int32Array([1, 2, 3, 4, 5])
  expect(halfSipHash(words, 0, 5, 6, 1, 0)).not.toBe(halfSipHash(words, 0, 5, 6, 2, 0))
})

test('starts at the word it is told', () => {
  const words = new Int32Array([9, 9, 1, 2, 3])
  expect(halfSipHash(words, 2, 3, 4, 5, 6)).toBe(halfSipHash(words.slice(2), 0, 3, 4, 5, 6))
})
