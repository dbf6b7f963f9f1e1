import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { secondsOf, sentencesOf } from './spoken-text.ts'

test('cuts text into sentences', () => {
  expect(sentencesOf('  Hello.\nIs it you? Version 2.4 it is! Yes ')).toEqual([
    'Hello.',
    'Is it you?',
    'Version 2.4 it is!',
    'Yes',
  ])
  expect(sentencesOf(' \n')).toEqual([])
})

test('says no more than anyone wants to hear', () => {
  const sentences = sentencesOf('word '.repeat(1000))
  expect(sentences.join(' ').length).toBeLessThanOrEqual(301)
  expect(sentences.at(-1)).toMatch(/…$/u)
})

test('cuts at spaces, into breaths, and loses nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, maxLength: 150 }), { maxLength: 6 }), (words) => {
      const sentences = sentencesOf(words.join(' '))
      for (const sentence of sentences) expect(sentence.length).toBeLessThanOrEqual(120)
      const spoken = words
        .join(' ')
        .replaceAll(/[\s\p{Cc}]+/gu, ' ')
        .trim()
      const letters = (text: string) => text.replaceAll(' ', '')
      if (spoken.length <= 300) expect(letters(sentences.join(''))).toBe(letters(spoken))
    }),
  )
})

test('says durations in tenths of a second', () => {
  expect(secondsOf(2449)).toBe('2.4')
})
