import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBase64Url, utf8 } from '#shared/bytes'
import { hmacSha256 } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import {
  DEFAULT_SECRET_LIFE_SECONDS,
  MAX_SECRET_LIFE_SECONDS,
  MAX_SECRET_PAYLOAD_BYTES,
  MIN_SECRET_LIFE_SECONDS,
  mintClientSecret,
  verifyClientSecret,
} from './client-secret.ts'
import type { ClientSecret } from './client-secret.ts'

const MAC = hmacSha256(new Uint8Array(32).fill(1))
const MACS = new Map([
  ['1', MAC],
  ['2', hmacSha256(new Uint8Array(32).fill(2))],
])
const NOW = epochSecondsOf(1_790_000_000)
const CODE = toBase64Url(new Uint8Array(32))
const SECRET: ClientSecret = {
  id: 'secret-1',
  keyId: '1',
  expiresAt: epochSecondsOf(NOW + DEFAULT_SECRET_LIFE_SECONDS),
  session: { instructions: 'Grüß Gott.', audio: { output: { voice: 'sage' } } },
}

test('reads what it minted until the moment it expires', () => {
  const text = mint(SECRET)
  expect(text).toMatch(/^ek_[\w-]+\.[\w-]{43}$/)
  expect(verifyClientSecret(text, MACS, NOW)).toEqual(SECRET)
  expect(verifyClientSecret(text, MACS, epochSecondsOf(SECRET.expiresAt - 1))).toEqual(SECRET)
  expect(verifyClientSecret(text, MACS, SECRET.expiresAt)).toBe('secret-expired')
})

test('needs no session', () => {
  const { session: _, ...bare } = SECRET
  expect(verifyClientSecret(mint(bare), MACS, NOW)).toEqual(bare)
})

test('carries any session configuration that fits, but for names of the prototype chain', () => {
  const name = fc.string().filter((name) => !['__proto__', 'prototype', 'constructor'].includes(name))
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), (session) => {
      fc.pre(JSON.stringify(session).length < 2_000)
      const text = mint({ ...SECRET, session })
      expect(verifyClientSecret(text, MACS, NOW)).toEqual(JSON.parse(JSON.stringify({ ...SECRET, session })))
    }),
  )
})

describe('minting refuses', () => {
  test.each([MIN_SECRET_LIFE_SECONDS - 1, MAX_SECRET_LIFE_SECONDS + 1, -1, NaN])(
    'a life of %d seconds',
    (life) => {
      expect(mintClientSecret({ ...SECRET, expiresAt: epochSecondsOf(NOW + life) }, MAC, NOW)).toBe(
        'secret-life',
      )
    },
  )

  test('a session that does not fit, to the byte', () => {
    const room = MAX_SECRET_PAYLOAD_BYTES - JSON.stringify({ ...SECRET, session: { x: '' } }).length
    const largest = mint({ ...SECRET, session: { x: 'y'.repeat(room) } })
    expect(verifyClientSecret(largest, MACS, NOW)).toMatchObject({ id: 'secret-1' })
    expect(mintClientSecret({ ...SECRET, session: { x: 'y'.repeat(room + 1) } }, MAC, NOW)).toBe(
      'secret-too-large',
    )
  })
})

describe('reading refuses', () => {
  test.each([
    ['nothing', ''],
    ['another prefix', mint(SECRET).replace('ek_', 'sk_')],
    ['no code', mint(SECRET).replace(/\..*/, '')],
    ['two codes', `${mint(SECRET)}.AAAA`],
    ['a payload that is not JSON', `ek_${toBase64Url(utf8('{'))}.${CODE}`],
    ['a payload that is not UTF-8', `ek_${toBase64Url(Uint8Array.of(0xff))}.${CODE}`],
    ['a payload without an expiry', `ek_${toBase64Url(utf8('{"id":"a","keyId":"1"}'))}.${CODE}`],
  ])('%s', (_, text) => {
    expect(verifyClientSecret(text, MACS, NOW)).toBe('secret-malformed')
  })

  test('a text beyond the bound, unread', () => {
    expect(verifyClientSecret(`ek_${'A'.repeat(20_000)}`, MACS, NOW)).toBe('secret-too-large')
  })

  test('a key that is retired', () => {
    expect(verifyClientSecret(mint({ ...SECRET, keyId: '0' }), MACS, NOW)).toBe('secret-unknown-key')
  })

  test('a code that is cut short', () => {
    expect(verifyClientSecret(mint(SECRET).slice(0, -1), MACS, NOW)).toBe('secret-malformed')
  })

  test('a code made with another key than the one it names', () => {
    expect(verifyClientSecret(mint({ ...SECRET, keyId: '2' }), MACS, NOW)).toBe('secret-forged')
  })

  test('a payload that was changed under the code', () => {
    const later = { ...SECRET, expiresAt: epochSecondsOf(SECRET.expiresAt + 1) }
    const [, code = ''] = mint(SECRET).split('.')
    expect(verifyClientSecret(mint(later).replace(/\..*/, `.${code}`), MACS, NOW)).toBe('secret-forged')
  })

  test('any text that nobody minted, without throwing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (payload, code) => {
        const text = `ek_${toBase64Url(utf8(payload))}.${toBase64Url(MAC(utf8(code)))}`
        expect(verifyClientSecret(text, MACS, NOW)).toBe('secret-malformed')
      }),
    )
  })
})

function mint(secret: ClientSecret): string {
  const minted = mintClientSecret(secret, MAC, NOW)
  if (typeof minted === 'string') throw new Error(minted)
  return minted.value
}
