import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { toBase64Url } from '#shared/bytes'
import { allowsOrigin, apiKeyOf, apiKeysSchema, MAX_API_KEYS } from './api-key.ts'

const SHA256 = toBase64Url(new Uint8Array(32).fill(7))
const record = (fields: object = {}) => ({ id: 'web', sha256: SHA256, ...fields })

describe('apiKeysSchema', () => {
  test('reads a key with what it may do', () => {
    const limits = { origins: ['https://app.example', 'http://localhost:5173'], maxCalls: 50 }
    expect(v.parse(apiKeysSchema, [record(limits), record({ id: 'cron' })])).toEqual([
      { id: 'web', sha256: new Uint8Array(32).fill(7), ...limits },
      { id: 'cron', sha256: new Uint8Array(32).fill(7) },
    ])
  })

  test.each([
    ['an id with a space', { id: 'the web' }],
    ['a hash that is too short', { sha256: 'c0ffee' }],
    ['a hash that is not base64url', { sha256: '!'.repeat(43) }],
    ['an origin with a path', { origins: ['https://app.example/'] }],
    ['an origin in upper case', { origins: ['https://App.example'] }],
    ['a wildcard', { origins: ['*'] }],
    ['no origin at all', { origins: [] }],
    ['no call at all', { maxCalls: 0 }],
  ])('refuses %s', (_case, fields) => {
    expect(v.is(apiKeysSchema, [record(fields)])).toBe(false)
  })

  test('refuses an id given twice, and more keys than the limit', () => {
    expect(v.is(apiKeysSchema, [record(), record()])).toBe(false)
    const many = (count: number) => Array.from({ length: count }, (_, i) => record({ id: `k${i}` }))
    expect(v.is(apiKeysSchema, many(MAX_API_KEYS))).toBe(true)
    expect(v.is(apiKeysSchema, many(MAX_API_KEYS + 1))).toBe(false)
  })
})

test('a key is its prefix and its random bytes', () => {
  expect(apiKeyOf(new Uint8Array(32).fill(0xff))).toBe(`sk-${'_'.repeat(42)}8`)
  expect(() => apiKeyOf(new Uint8Array(16))).toThrow(RangeError)
})

describe('a key held to origins', () => {
  const [held] = v.parse(apiKeysSchema, [record({ origins: ['https://app.example'] })])
  const [free] = v.parse(apiKeysSchema, [record()])

  test('is good on their pages and for programs that are no page', () => {
    expect(allowsOrigin(held!, 'https://app.example')).toBe(true)
    expect(allowsOrigin(held!, undefined)).toBe(true)
  })

  test('is not good on other pages, nor where the origin is opaque', () => {
    expect(allowsOrigin(held!, 'https://app.example.evil')).toBe(false)
    expect(allowsOrigin(held!, 'https://app.example:8443')).toBe(false)
    expect(allowsOrigin(held!, 'null')).toBe(false)
  })

  test('is not needed: any page may use a key without origins', () => {
    expect(allowsOrigin(free!, 'https://anywhere.example')).toBe(true)
  })
})
