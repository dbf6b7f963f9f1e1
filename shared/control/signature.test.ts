import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { toBase64Url, utf8 } from '#shared/bytes'
import { hmacSha256, sha256 } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import { CLOCK_SKEW_SECONDS, SIGNATURE_LIFE_SECONDS, SignatureVerifier, signRequest } from './signature.ts'
import type { SignedRequest } from './signature.ts'

const KEY = { mac: hmacSha256(new Uint8Array(32).fill(7)), sha256 }
const NOW = epochSecondsOf(1_790_000_000)
const NONCE = 'AAAAAAAAAAAAAAAAAAAAAA'
const REQUEST: SignedRequest = {
  node: 'transceiver-1',
  method: 'POST',
  path: '/v1/calls',
  body: utf8('{"offer":"v=0"}'),
}

let verifier: SignatureVerifier

beforeEach(() => {
  verifier = new SignatureVerifier(KEY)
})

test('takes a request as it was signed', () => {
  expect(verify(REQUEST, sign())).toBeUndefined()
})

test('signs as another implementation of the format does', () => {
  const payload =
    '{"node":"transceiver-1","method":"POST","path":"/v1/calls",' +
    '"bodySha256":"0Fdzdb5pHin8sDrTpXcPwqEX3HQHWUtFemTo_JA0rXI",' +
    '"issuedAt":1790000000,"nonce":"AAAAAAAAAAAAAAAAAAAAAA"}'
  expect(sign()).toBe(`Firsthop ${toBase64Url(utf8(payload))}.r9ncGadT8YR5xIc3JOP9CRhruWbeQPSJqG3UUSlXe7g`)
})

describe('refuses', () => {
  test.each([
    ['no header', undefined],
    ['another scheme', 'Bearer abc.def'],
  ])('%s', (_, authorization) => {
    expect(verify(REQUEST, authorization)).toBe('signature-absent')
  })

  test.each([
    ['nothing after the scheme', 'Firsthop '],
    ['one part', 'Firsthop abcd'],
    ['no code', sign().replace(/\..*/, '.')],
    ['a code that is cut short', sign().slice(0, -4)],
    ['three parts', `${sign()}.AAAA`],
    ['a code that is not base64url', sign().replace(/\.../, '.+/')],
    ['a header beyond the bound', `Firsthop ${'A'.repeat(4_096)}.AAAA`],
    ['a signed payload that is not JSON', signPayload('{')],
    ['a signed payload without a nonce', signPayload('{"node":"n","method":"m","path":"p","issuedAt":1}')],
  ])('%s', (_, authorization) => {
    expect(verify(REQUEST, authorization)).toBe('signature-malformed')
  })

  test('a code made with another key', () => {
    const other = { mac: hmacSha256(new Uint8Array(32).fill(8)), sha256 }
    expect(verify(REQUEST, signRequest(REQUEST, other, NONCE, NOW))).toBe('signature-forged')
  })

  test('any change of a character', () => {
    const authorization = sign()
    fc.assert(
      fc.property(
        fc.integer({ min: 9, max: authorization.length - 1 }),
        fc.constantFrom('A', '-', '0'),
        (at, character) => {
          fc.pre(authorization[at] !== character)
          const changed = authorization.slice(0, at) + character + authorization.slice(at + 1)
          expect(verify(REQUEST, changed)).toMatch(/^signature-(?:forged|malformed)$/)
        },
      ),
    )
  })

  test.each([
    ['node', { node: 'transceiver-2' }],
    ['method', { method: 'DELETE' }],
    ['path', { path: '/v1/calls/rtc_x/hangup' }],
    ['query', { path: '/v1/calls?x' }],
    ['body', { body: utf8('{}') }],
  ])('the signature of another %s', (_, change) => {
    expect(verify({ ...REQUEST, ...change }, sign())).toBe('signature-other-request')
  })

  test('a signature before its time and after it', () => {
    const last = SIGNATURE_LIFE_SECONDS + CLOCK_SKEW_SECONDS
    expect(verify(REQUEST, sign(), -CLOCK_SKEW_SECONDS - 1)).toBe('signature-early')
    expect(verify(REQUEST, sign(), last + 1)).toBe('signature-expired')
    expect(verify(REQUEST, sign(), last)).toBeUndefined()
  })
})

describe('replay', () => {
  test('is refused for as long as the signature is good', () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.integer({ min: -CLOCK_SKEW_SECONDS, max: SIGNATURE_LIFE_SECONDS + CLOCK_SKEW_SECONDS }),
        fc.array(fc.nat(40), { maxLength: 10 }),
        (start, age, others) => {
          const verifier = new SignatureVerifier(KEY)
          const at = (seconds: number) => epochSecondsOf(NOW + start + seconds)
          const authorization = signRequest(REQUEST, KEY, NONCE, at(0))
          let verdicts = 0
          for (const [i, seconds] of [...others, age, 40].toSorted((a, b) => a - b).entries()) {
            const verdict = verifier.verify({ ...REQUEST, authorization }, at(seconds))
            if (verdict === undefined) verdicts++
            const other = signRequest(REQUEST, KEY, `other nonce number ${i}`, at(seconds))
            expect(verifier.verify({ ...REQUEST, authorization: other }, at(seconds))).toBeUndefined()
          }
          expect(verdicts).toBe(1)
        },
      ),
    )
  })

  test('does not count refused requests', () => {
    expect(verify({ ...REQUEST, path: '/' }, sign())).toBe('signature-other-request')
    expect(verify(REQUEST, sign())).toBeUndefined()
    expect(verify(REQUEST, sign())).toBe('signature-replayed')
  })

  test('is kept out even when the cache is full, and room comes back with time', () => {
    verifier = new SignatureVerifier(KEY, { noncesPerGeneration: 2 })
    const nonces = ['nonce nonce nonce 1', 'nonce nonce nonce 2', 'nonce nonce nonce 3']
    const [first = '', second = '', third = ''] = nonces.map((nonce) => signRequest(REQUEST, KEY, nonce, NOW))
    expect([verify(REQUEST, first), verify(REQUEST, second)]).toEqual([undefined, undefined])
    expect(verify(REQUEST, third)).toBe('signature-cache-full')
    expect(verify(REQUEST, first)).toBe('signature-replayed')
    const later = epochSecondsOf(NOW + 60)
    const fresh = signRequest(REQUEST, KEY, 'nonce nonce nonce 4', later)
    expect(verifier.verify({ ...REQUEST, authorization: fresh }, later)).toBeUndefined()
  })

  test('needs a cache with room', () => {
    expect(() => new SignatureVerifier(KEY, { noncesPerGeneration: 0 })).toThrow(RangeError)
  })
})

function sign(): string {
  return signRequest(REQUEST, KEY, NONCE, NOW)
}

function signPayload(payload: string): string {
  const encoded = toBase64Url(utf8(payload))
  return `Firsthop ${encoded}.${toBase64Url(KEY.mac(utf8(`Firsthop ${encoded}`)))}`
}

function verify(request: SignedRequest, authorization: string | undefined, age = 0) {
  return verifier.verify({ ...request, authorization }, epochSecondsOf(NOW + age))
}
