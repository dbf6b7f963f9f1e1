/** Every kept input of every fuzz target, and the fuzzer itself against a target that is broken on purpose. */

import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readCorpus } from '../fuzz/corpus.ts'
import { fuzz, outcomeOf } from '../fuzz/driver.ts'
import { mustHold } from '../fuzz/target.ts'
import type { FuzzTarget } from '../fuzz/target.ts'
import { TARGETS } from '../fuzz/targets.ts'

describe('the corpus', () => {
  test.each(TARGETS.map((target) => [target.name, target] as const))('of %s breaks nothing', (_, target) => {
    const corpus = readCorpus(target)
    expect(corpus.length).toBeGreaterThan(0)
    for (const { name, input } of corpus) expect(outcomeOf(target, input), name).toBeTypeOf('string')
  })

  test('has no folder without a target', () => {
    const folders = readdirSync(new URL('../fuzz/corpus', import.meta.url)).filter(
      (name) => !name.startsWith('.'),
    )
    expect(folders.toSorted()).toEqual(TARGETS.map(({ name }) => name).toSorted())
  })

  test('is small', () => {
    const bytes = TARGETS.flatMap(readCorpus).reduce((sum, { input }) => sum + input.length, 0)
    expect(bytes).toBeLessThan(500_000)
  })
})

test.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s survives its seeds and mutations',
  (_, target) => {
    const looks = [true, true, false]
    expect(fuzz(target, [], 1, () => looks.shift() ?? false)).toMatchObject({ failure: undefined })
  },
)

describe('the fuzzer', () => {
  const broken: FuzzTarget = {
    name: 'broken',
    maxBytes: 100,
    seeds: () => [new Uint8Array(50).fill(1)],
    run(input) {
      const at = input.indexOf(0x42)
      mustHold(at < 0 || input[at + 1] !== 0x43, 'no B is followed by a C')
      return at < 0 ? 'without' : 'with'
    },
  }

  test('finds an input that breaks a target, by way of one that comes near, and shortens it', () => {
    const { failure, inputByOutcome } = fuzz(broken, [], 7, () => true)
    expect([...inputByOutcome.keys()]).toEqual(['without', 'with'])
    expect(failure?.input).toEqual(Uint8Array.of(0x42, 0x43))
    expect(failure?.error.message).toBe('no B is followed by a C')
  })

  test('does the same with the same seed', () => {
    const run = () => fuzz(broken, [], 8, () => true)
    expect(run().executions).toBe(run().executions)
  })

  test('takes an input that takes too long for one that breaks', () => {
    const seeds = () => [new Uint8Array(4)]
    const slow: FuzzTarget = { ...broken, seeds, run: (input) => work(input.length > 2 ? 120 : 0) }
    const { failure } = fuzz(slow, [], 1, () => false)
    expect(failure?.error.message).toBe('takes too long')
    expect(failure?.input.length).toBe(3)
  })
})

function work(millis: number): string {
  const before = process.cpuUsage()
  const spent = () => process.cpuUsage(before)
  while (spent().user + spent().system < millis * 1_000);
  return 'done'
}
