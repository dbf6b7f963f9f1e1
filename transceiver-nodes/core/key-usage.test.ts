import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_COUNTED_KEYS } from '#shared/fleet/record'
import { KeyUsage } from './key-usage.ts'

describe('KeyUsage', () => {
  test('counts as a list of the calls under way does', () => {
    const step = fc.record({ keyId: fc.constantFrom('a', 'b', undefined), isPlaced: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const usage = new KeyUsage()
        const calls: (string | undefined)[] = []
        for (const { keyId, isPlaced } of steps) {
          if (isPlaced) {
            usage.add(keyId)
            calls.push(keyId)
          } else if (calls.includes(keyId)) {
            usage.remove(keyId)
            calls.splice(calls.indexOf(keyId), 1)
          }
        }
        const expected: Record<string, number> = {}
        for (const keyId of calls) if (keyId) expected[keyId] = (expected[keyId] ?? 0) + 1
        expect(usage.toRecord()).toEqual(expected)
      }),
    )
  })

  test('names the busiest keys when there are more than a record takes', () => {
    const usage = new KeyUsage()
    for (let i = 0; i <= MAX_COUNTED_KEYS; i++) usage.add(`key-${i}`)
    usage.add('busy')
    usage.add('busy')
    const record = usage.toRecord()
    expect(Object.keys(record)).toHaveLength(MAX_COUNTED_KEYS)
    expect(record['busy']).toBe(2)
  })
})
