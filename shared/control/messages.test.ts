import * as v from 'valibot'
import { expect, test } from 'vitest'
import {
  callIdOfHangUpPath,
  hangUpPathOf,
  placeCallRequestSchema,
  placeCallResponseSchema,
} from './messages.ts'

const REQUEST = {
  requestId: 'req_1',
  offer: 'v=0\r\n',
  relays: [{ id: 'a', region: 'r', vips: [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [] }] }],
  session: { instructions: 'Be brief.', audio: { output: { voice: 'sage' } } },
}

test('reads a request with and without a session', () => {
  expect(v.parse(placeCallRequestSchema, REQUEST)).toEqual(REQUEST)
  const { session: _, ...bare } = REQUEST
  expect(v.parse(placeCallRequestSchema, bare)).toEqual(bare)
})

test.each([
  ['no relay', { relays: [] }],
  ['three relays', { relays: [...REQUEST.relays, ...REQUEST.relays, ...REQUEST.relays] }],
  ['a relay without a VIP', { relays: [{ id: 'a', region: 'r', vips: [] }] }],
  ['an offer beyond the bound', { offer: 'a'.repeat(65_537) }],
  ['a session that is no object', { session: 'voice' }],
  ['an empty request id', { requestId: '' }],
])('refuses a request with %s', (_, change) => {
  expect(v.is(placeCallRequestSchema, { ...REQUEST, ...change })).toBe(false)
})

test('reads a response whose call id is a routing ufrag', () => {
  const response = {
    callId: 'rtc_AbC-_0123456789abcdefghi',
    answer: 'v=0\r\n',
    node: { id: 't', region: 'r' },
  }
  expect(v.is(placeCallResponseSchema, response)).toBe(true)
  expect(v.is(placeCallResponseSchema, { ...response, placeMillis: 2.5 })).toBe(true)
  expect(v.is(placeCallResponseSchema, { ...response, callId: 'call_1' })).toBe(false)
  expect(v.is(placeCallResponseSchema, { ...response, placeMillis: -1 })).toBe(false)
})

test('finds the call in the path that hangs it up', () => {
  expect(hangUpPathOf('rtc_a-_b')).toBe('/v1/calls/rtc_a-_b/hangup')
  expect(callIdOfHangUpPath(hangUpPathOf('rtc_a-_b'))).toBe('rtc_a-_b')
})

test.each([
  '/v1/calls',
  '/v1/calls/rtc_a',
  '/v1/calls/rtc_a/b/hangup',
  '/v1/calls/x/hangup',
  '/v1/calls/rtc_a/hangup/',
])('finds none in %s', (path) => {
  expect(callIdOfHangUpPath(path)).toBeUndefined()
})
