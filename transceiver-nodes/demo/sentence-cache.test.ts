import { expect, test } from 'vitest'
import { SentenceCache } from './sentence-cache.ts'

const minute = () => Promise.resolve(new Int16Array(60 * 24_000))

test('finds a sentence while it is still being spoken', async () => {
  const cache = new SentenceCache()
  const speech = minute()
  cache.keep('one', speech)
  expect(cache.find('one')).toBe(speech)
  await speech
  expect(cache.find('one')).toBe(speech)
  expect(cache.find('two')).toBeUndefined()
})

test('keeps two minutes, and forgets what was used least recently', async () => {
  const cache = new SentenceCache()
  for (const sentence of ['one', 'two']) {
    cache.keep(sentence, minute())
    await Promise.resolve()
  }
  void cache.find('one')
  cache.keep('three', minute())
  await Promise.resolve()
  expect(['one', 'two', 'three'].filter((sentence) => cache.find(sentence) !== undefined)).toEqual([
    'one',
    'three',
  ])
})

test('forgets a sentence that failed, so that it is tried again', async () => {
  const cache = new SentenceCache()
  const failed = Promise.reject(new Error('mute'))
  cache.keep('one', failed)
  await failed.catch(() => {})
  expect(cache.find('one')).toBeUndefined()
})
