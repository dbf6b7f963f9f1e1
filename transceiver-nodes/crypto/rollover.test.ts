import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { INDEX_LIMIT, estimateIndex, rolloverOf } from './rollover.ts'

test('takes the first sequence number of a stream as it is', () => {
  expect(estimateIndex(-1, 0)).toBe(0)
  expect(estimateIndex(-1, 65_535)).toBe(65_535)
})

test('follows a wrap forward, and a late packet back across it', () => {
  expect(estimateIndex(65_535, 0)).toBe(65_536)
  expect(estimateIndex(65_536, 65_535)).toBe(65_535)
  expect(estimateIndex(3 * 65_536 + 10, 65_530)).toBe(2 * 65_536 + 65_530)
})

test('sees a packet from before the beginning as negative', () => {
  expect(estimateIndex(5, 65_530)).toBe(-6)
})

test('finds every index that is less than half the range away, as RFC 3711 appendix A does', () => {
  const highest = fc.integer({ min: 65_536, max: 2 ** 47 })
  const distance = fc.integer({ min: -32_767, max: 32_767 })
  fc.assert(
    fc.property(highest, distance, (last, step) => {
      const index = last + step
      expect(estimateIndex(last, index % 65_536)).toBe(index)
      expect(rolloverOf(index)).toBe(Number(BigInt(index) >> 16n))
    }),
  )
})

test('agrees with the pseudocode of RFC 3711 appendix A everywhere', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: INDEX_LIMIT - 1 }),
      fc.integer({ min: 0, max: 65_535 }),
      (last, seq) => {
        const roc = Math.floor(last / 65_536)
        const s = last % 65_536
        let v = roc
        if (s < 32_768) {
          if (seq - s > 32_768) v = roc - 1
        } else if (s - 32_768 > seq) v = roc + 1
        expect(estimateIndex(last, seq)).toBe(v * 65_536 + seq)
      },
    ),
  )
})
