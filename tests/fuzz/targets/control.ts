/** Control messages and their signatures, and client secrets (`shared/control`, `shared/keys`). */

import * as v from 'valibot'
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '#shared/bytes'
import {
  callIdOfHangUpPath,
  errorBodySchema,
  hangUpPathOf,
  hangUpRequestSchema,
  placeCallRequestSchema,
  placeCallResponseSchema,
} from '#shared/control/messages'
import { SignatureVerifier, signRequest } from '#shared/control/signature'
import type { SignedRequest } from '#shared/control/signature'
import { mintClientSecret, verifyClientSecret } from '#shared/keys/client-secret'
import { hmacSha256, sha256 } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import type { Random } from '../random.ts'
import { mustLeavePrototypeAlone, mutateJson, parseJson } from '../mutate-json.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const control: FuzzTarget = {
  name: 'control',
  maxBytes: 8_000,
  seeds: () => [PLACE_CALL, PLACED, HANG_UP, ERROR].map((message) => utf8(JSON.stringify(message))),
  words: ['/v1/calls/', '/hangup', 'rtc_'],
  repair: mutateJson,
  run(input) {
    const text = fromUtf8(input) ?? ''
    const callId = callIdOfHangUpPath(text)
    if (callId !== undefined) mustEqual(hangUpPathOf(callId), text, 'a path made again differs')
    const value = parseJson(text)
    if (value === undefined) return callId === undefined ? 'no-json' : 'path'
    const readable = Object.entries(SCHEMAS).flatMap(([name, schema]) => {
      const read = v.safeParse(schema, value)
      if (!read.success) return []
      mustEqual(v.parse(schema, JSON.parse(JSON.stringify(read.output))), read.output, `${name} read again`)
      return [name]
    })
    mustLeavePrototypeAlone()
    return ['message', ...readable].join('-')
  },
}

/** Half of the inputs are signed with the right key, whatever they say. */
export const signature: FuzzTarget = {
  name: 'signature',
  maxBytes: 2_200,
  seeds: () =>
    [0, -29, 6, -40].map((age) => utf8(signRequest(REQUEST, KEY, NONCE, epochSecondsOf(NOW + age)))),
  words: ['Firsthop ', '.', '=', '-', '_'],
  repair: (input, random) => resign(input, 'Firsthop ', random),
  run(input) {
    const authorization = fromUtf8(input) ?? ''
    const verifier = new SignatureVerifier(KEY)
    const fault = verifier.verify({ ...REQUEST, authorization }, NOW)
    if (fault !== undefined) return fault
    const [, payload = ''] = /^Firsthop ([^.]*)\./.exec(authorization) ?? []
    mustBeSigned(authorization, `Firsthop ${payload}`)
    const said = parseJson(fromUtf8(fromBase64Url(payload) ?? utf8('')) ?? '') as Record<string, unknown>
    const { node, method, path, body } = REQUEST
    const subject = { node, method, path, bodySha256: toBase64Url(sha256(body)) }
    for (const [name, value] of Object.entries(subject))
      mustEqual(said[name], value, `accepted with another ${name}`)
    const age = NOW - Number(said['issuedAt'])
    mustHold(age >= -5 && age <= 35, 'accepted too early or too late')
    mustEqual(verifier.verify({ ...REQUEST, authorization }, NOW), 'signature-replayed', 'accepted twice')
    return 'accepted'
  },
}

/** Half of the inputs are signed with the right key, whatever they say. */
export const clientSecret: FuzzTarget = {
  name: 'client-secret',
  maxBytes: 14_500,
  seeds: () => [mint({ model: 'm', tools: [] }), mint(undefined)],
  words: ['ek_', '.', '=', '-', '_'],
  repair: (input, random) => resign(input, 'ek_', random),
  run(input) {
    const text = fromUtf8(input) ?? ''
    const secret = verifyClientSecret(text, new Map([['1', KEY.mac]]), NOW)
    if (typeof secret === 'string') return secret
    mustBeSigned(text, text.slice(0, text.indexOf('.')))
    mustHold(secret.expiresAt > NOW && secret.keyId === '1', 'accepted too late, or under another key')
    mustLeavePrototypeAlone()
    return secret.session === undefined ? 'accepted' : 'accepted-session'
  },
}

const NOW = epochSecondsOf(1_800_000_000)
const NONCE = 'abcdefghijklmnopqrstuv'
const KEY = { mac: hmacSha256(new Uint8Array(32).fill(1)), sha256 }

const REQUEST: SignedRequest = { node: 'a', method: 'POST', path: '/v1/calls', body: utf8('{}') }

const RELAYS = [{ id: 'a', region: 'r', vips: [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [] }] }]
const PLACE_CALL = { requestId: '1', offer: 'v=0\r\n', relays: RELAYS, session: { model: 'm' } }
const PLACED = { callId: 'rtc_AbCdEfGhIjKlMnOpQrStUv', answer: 'v=0\r\n', node: { id: 'a', region: 'r' } }
const HANG_UP = { requestId: '1' }
const ERROR = { error: { message: 'm', type: 't', code: null, param: null } }

const SCHEMAS = {
  place: placeCallRequestSchema,
  placed: placeCallResponseSchema,
  hangup: hangUpRequestSchema,
  error: errorBodySchema,
}

function mint(session: Record<string, unknown> | undefined): Uint8Array {
  const secret = { id: 'sess_1', keyId: '1', expiresAt: epochSecondsOf(NOW + 600), session }
  const minted = mintClientSecret(secret, KEY.mac, NOW)
  return utf8(typeof minted === 'string' ? minted : minted.value)
}

/** Mutates the payload of a token as JSON, and signs it. */
function resign(input: Uint8Array, prefix: string, random: Random): Uint8Array {
  const payload = fromBase64Url((fromUtf8(input) ?? '').slice(prefix.length).split('.')[0] ?? '')
  if (payload === undefined) return input
  const signed = prefix + toBase64Url(random.oneIn(4) ? payload : mutateJson(payload, random))
  return utf8(`${signed}.${toBase64Url(KEY.mac(utf8(signed)))}`)
}

function mustBeSigned(token: string, signed: string): void {
  const code = fromBase64Url(token.slice(signed.length + 1))
  mustHold(code !== undefined && equalBytes(code, KEY.mac(utf8(signed))), 'accepted without a signature')
}
