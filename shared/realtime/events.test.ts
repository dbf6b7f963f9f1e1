import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_EVENT_CHARACTERS, parseClientEvent } from './events.ts'

test('reads any JSON object with a type, and keeps its fields', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.dictionary(fc.string(), fc.jsonValue()), (type, fields) => {
      const event = { ...fields, type }
      expect(parseClientEvent(JSON.stringify(event))).toEqual(JSON.parse(JSON.stringify(event)))
    }),
  )
})

test.each([
  ['nothing', '', 'event-not-json'],
  ['half an object', '{"type":', 'event-not-json'],
  ['null', 'null', 'event-without-type'],
  ['a bare string', '"response.create"', 'event-without-type'],
  ['an object without a type', '{}', 'event-without-type'],
  ['a type that is a number', '{"type":1}', 'event-without-type'],
  ['a type of 129 characters', JSON.stringify({ type: 'x'.repeat(129) }), 'event-without-type'],
  ['too much', JSON.stringify({ type: 'x', audio: 'a'.repeat(MAX_EVENT_CHARACTERS) }), 'event-too-large'],
])('takes %s for no event', (_name, text, fault) => {
  expect(parseClientEvent(text)).toBe(fault)
})

test('refuses what is nested too deep to be written again', () => {
  const nested = (depth: number) => `{"type":"x","a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  expect(parseClientEvent(nested(100_000))).toBe('event-too-deep')
  expect(parseClientEvent(nested(64))).toBe('event-too-deep')
  expect(parseClientEvent(nested(63))).toMatchObject({ type: 'x' })
})

test('counts no brackets in text', () => {
  const event = { type: 'x', text: `${'['.repeat(500)} \\"${'{'.repeat(500)}` }
  expect(parseClientEvent(JSON.stringify(event))).toEqual(event)
})

test('never throws, whatever the text', () => {
  const json = fc.json({ maxDepth: 3 })
  const cut = fc.tuple(json, fc.nat(40), fc.string()).map(([text, at, rest]) => text.slice(0, at) + rest)
  fc.assert(fc.property(fc.oneof(fc.string(), cut), (text) => void parseClientEvent(text)))
})
