import { expect, test } from 'vitest'
import { mergeSession } from './session.ts'

test('merges objects at every depth and replaces everything else', () => {
  const base = {
    model: 'a',
    tools: [1],
    audio: { input: { format: 'pcm' }, output: { voice: 'x', speed: 1 } },
  }
  const changes = { tools: [], audio: { output: { voice: 'y' }, input: null } }
  expect(mergeSession(base, changes)).toEqual({
    model: 'a',
    tools: [],
    audio: { input: null, output: { voice: 'y', speed: 1 } },
  })
})

test('takes either side alone, and nothing when there is neither', () => {
  expect(mergeSession({ a: 1 }, undefined)).toEqual({ a: 1 })
  expect(mergeSession(undefined, { b: 2 })).toEqual({ b: 2 })
  expect(mergeSession(undefined, undefined)).toBeUndefined()
})

test('merges names of the prototype as plain fields', () => {
  const changes = JSON.parse('{"constructor":{"a":1},"toString":{"b":2}}') as Record<string, unknown>
  expect(mergeSession({ c: 3 }, changes)).toEqual({ c: 3, ...changes })
})
