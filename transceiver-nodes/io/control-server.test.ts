import { afterEach, beforeEach, expect, test } from 'vitest'
import { toBase64Url, utf8 } from '#shared/bytes'
import { CALLS_PATH, placeCallResponseSchema } from '#shared/control/messages'
import { SignatureVerifier, signRequest } from '#shared/control/signature'
import { parseEndpoint } from '#shared/endpoint'
import { epochNow } from '#shared/platform/clock'
import { hmacSha256, randomBytes, sha256 } from '#shared/platform/crypto'
import { openLog } from '#shared/platform/log'
import * as v from 'valibot'
import { startControlServer } from './control-server.ts'
import type { ControlServer } from './control-server.ts'

const KEY = { mac: hmacSha256(new Uint8Array(32).fill(1)), sha256 }
const RELAYS = [{ id: 'a', region: 'r', vips: [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [] }] }]
let server: ControlServer

beforeEach(async () => {
  const bind = parseEndpoint('127.0.0.1:0')
  if (bind === undefined) throw new Error('not an endpoint')
  const nowhere = () => Promise.reject(new Error('no call is here'))
  server = await startControlServer({
    bind,
    node: 'transceiver-1',
    verifier: new SignatureVerifier(KEY),
    media: { hangUp: nowhere, describe: nowhere, attach: nowhere, restartIce: nowhere },
    place: () =>
      Promise.resolve({ callId: 'rtc_a', answer: 'v=0\r\n', node: { id: 'transceiver-1', region: 'r' } }),
    log: openLog({ write: () => undefined }),
  })
})
afterEach(() => server.close())

function placeCall(key = KEY): Promise<Response> {
  const body = utf8(JSON.stringify({ requestId: 'req_1', offer: 'v=0\r\n', relays: RELAYS }))
  const subject = { node: 'transceiver-1', method: 'POST', path: CALLS_PATH, body }
  const authorization = signRequest(subject, key, toBase64Url(randomBytes(16)), epochNow())
  const url = `http://127.0.0.1:${server.port}${CALLS_PATH}`
  return fetch(url, { method: 'POST', headers: { authorization }, body: body as Uint8Array<ArrayBuffer> })
}

test('says how long it took to place a call', async () => {
  const placed = v.parse(placeCallResponseSchema, await (await placeCall()).json())
  expect(placed).toEqual({
    callId: 'rtc_a',
    answer: 'v=0\r\n',
    node: { id: 'transceiver-1', region: 'r' },
    placeMillis: expect.any(Number),
  })
})

test('keeps a connection for the next call, and longer than a tunnel does', async () => {
  const { headers } = await placeCall()
  expect(headers.get('connection')).toBe('keep-alive')
  expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(90)
})

test('keeps no connection of a stranger', async () => {
  const refused = await placeCall({ ...KEY, mac: hmacSha256(new Uint8Array(32).fill(2)) })
  expect(refused.status).toBe(401)
  expect(refused.headers.get('connection')).toBe('close')
})
