/** What the API refuses or grants before it asks anybody else: no store and no transceiver is reached here. */

import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLog } from '#shared/platform/log'
import { offerVector } from '../tests/offer-vectors.ts'
import { API_KEY, apiKeyRecord, workerBindings } from '../tests/worker-bindings.ts'
import { createApp } from './app.ts'

const OFFER = offerVector('chromium156')
const bindings = workerBindings('http://127.0.0.1:1')
let app: ReturnType<typeof createApp>
let logged: Record<string, unknown>[]

beforeEach(() => {
  logged = []
  app = createApp(openLog({ write: (line) => logged.push(JSON.parse(line) as Record<string, unknown>) }))
})

function ask(path: string, init: RequestInit = {}, env: object = bindings): Promise<Response> {
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} }
  return Promise.resolve(app.request(path, init, env, context))
}

function post(
  path: string,
  body: BodyInit | null,
  headers: Record<string, string> = {},
  env: object = bindings,
) {
  return ask(path, { method: 'POST', body, headers: { authorization: `Bearer ${API_KEY}`, ...headers } }, env)
}

function postOffer(offer: string, headers: Record<string, string> = {}) {
  return post('/v1/realtime/calls', offer, { 'content-type': 'application/sdp', ...headers })
}

function postJson(
  path: string,
  value: unknown,
  headers: Record<string, string> = {},
  env: object = bindings,
) {
  return post(path, JSON.stringify(value), { 'content-type': 'application/json', ...headers }, env)
}

async function expectRefusal(
  answer: Promise<Response>,
  status: number,
  code: string,
  param: string | null = null,
): Promise<Response> {
  const response = await answer
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  expect(await response.json()).toEqual({
    error: { message: expect.stringMatching(/^\S.*\S$/), type, code, param },
  })
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/json')
  return response
}

async function mintSecret(body: unknown = {}): Promise<string> {
  const response = await postJson('/v1/realtime/client_secrets', body)
  return ((await response.json()) as { value: string }).value
}

describe('client secrets', () => {
  test('have the fleet read for the call that will follow', async () => {
    const kept: Promise<unknown>[] = []
    const context = {
      waitUntil: (work: Promise<unknown>) => void kept.push(work),
      passThroughOnException: () => {},
      props: {},
    }
    const init = { method: 'POST', headers: { authorization: `Bearer ${API_KEY}` } }
    expect((await app.request('/v1/realtime/client_secrets', init, bindings, context)).status).toBe(200)
    expect(kept).toHaveLength(1)
    await Promise.all(kept)
    // No store is there: that it was asked shows in the log.
    expect(logged).toContainEqual(expect.objectContaining({ message: 'The fleet cannot be read' }))
  })

  test('are minted for an API key, with the session and a default life', async () => {
    const session = { type: 'realtime', instructions: 'Be brief.', audio: { output: { voice: 'alto' } } }
    const response = await postJson('/v1/realtime/client_secrets', { session })
    expect(response.status).toBe(200)
    const minted = (await response.json()) as { value: string; expires_at: number; session: { id: string } }
    expect(minted.value).toMatch(/^ek_[\w-]+\.[\w-]{43}$/)
    expect(minted.expires_at).toBeCloseTo(Date.now() / 1_000 + 600, -1)
    expect(minted.session).toEqual({
      ...session,
      id: expect.stringMatching(/^sess_[\w-]{22}$/),
      object: 'realtime.session',
    })
  })

  test('need no body', async () => {
    expect((await post('/v1/realtime/client_secrets', null)).status).toBe(200)
  })

  test('live as long as asked for', async () => {
    const response = await postJson('/v1/realtime/client_secrets', { expires_after: { seconds: 7_200 } })
    const { expires_at } = (await response.json()) as { expires_at: number }
    expect(expires_at).toBeCloseTo(Date.now() / 1_000 + 7_200, -1)
  })

  test('are minted without any key in an open demo only', async () => {
    const open = { ...bindings, FIRSTHOP_OPEN_DEMO: 'true' }
    expect((await ask('/v1/realtime/client_secrets', { method: 'POST' }, open)).status).toBe(200)
    app = createApp(openLog({ write: () => {} }))
    await expectRefusal(ask('/v1/realtime/client_secrets', { method: 'POST' }), 401, 'api_key_missing')
  })

  test('are not minted for a wrong key, not even in an open demo', async () => {
    const open = { ...bindings, FIRSTHOP_OPEN_DEMO: 'true' }
    const wrong = { authorization: 'Bearer sk-wrong' }
    const answer = postJson('/v1/realtime/client_secrets', {}, wrong, open)
    const response = await expectRefusal(answer, 401, 'api_key_invalid')
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('are not minted for an ephemeral key', async () => {
    const ephemeral = { authorization: `Bearer ${await mintSecret()}` }
    await expectRefusal(postJson('/v1/realtime/client_secrets', {}, ephemeral), 401, 'api_key_invalid')
  })

  test.each([
    ['a life too short', { expires_after: { seconds: 9 } }, 'expires_after.seconds'],
    ['a life too long', { expires_after: { seconds: 7_201 } }, 'expires_after.seconds'],
    ['half a second', { expires_after: { seconds: 10.5 } }, 'expires_after.seconds'],
    ['another anchor', { expires_after: { anchor: 'now', seconds: 60 } }, 'expires_after.anchor'],
    ['a session of another type', { session: { type: 'transcription' } }, 'session.type'],
    ['a session that is no object', { session: 'x' }, 'session'],
    ['an array', [], null],
    ['a number', 7, null],
  ])('are refused to a request with %s', async (_case, body, param) => {
    await expectRefusal(postJson('/v1/realtime/client_secrets', body), 400, 'request_malformed', param)
  })

  test('are refused to a body that is not JSON, or does not say so', async () => {
    const path = '/v1/realtime/client_secrets'
    await expectRefusal(post(path, '{', { 'content-type': 'application/json' }), 400, 'request_malformed')
    await expectRefusal(post(path, '{}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type')
  })

  test('are refused to a session too large for a header', async () => {
    const session = { instructions: 'x'.repeat(20_000) }
    const answer = postJson('/v1/realtime/client_secrets', { session })
    await expectRefusal(answer, 413, 'request_too_large', 'session')
  })
})

describe('a call is refused', () => {
  test('without a key', async () => {
    const answer = ask('/v1/realtime/calls', { method: 'POST', body: OFFER })
    const response = await expectRefusal(answer, 401, 'api_key_missing')
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  test.each(['Basic c2s6', 'Bearer', 'Bearer a b', 'sk-test'])(
    'with the authorization "%s"',
    async (authorization) => {
      await expectRefusal(postOffer(OFFER, { authorization }), 401, 'api_key_missing')
    },
  )

  test('with a wrong API key', async () => {
    await expectRefusal(postOffer(OFFER, { authorization: 'Bearer sk-wrong' }), 401, 'api_key_invalid')
  })

  test('with an ephemeral key that is forged, signed by an unknown key, or no key at all', async () => {
    const secret = await mintSecret()
    const [signed = ''] = secret.split('.')
    const withKey = (key: string) => postOffer(OFFER, { authorization: `Bearer ${key}` })
    await expectRefusal(withKey(`${signed}.${'A'.repeat(43)}`), 401, 'secret_forged')
    await expectRefusal(withKey('ek_nonsense'), 401, 'secret_malformed')
    await expectRefusal(withKey(signSecret({ keyId: '9' })), 401, 'secret_unknown_key')
  })

  test('with an ephemeral key that has expired', async () => {
    const expired = signSecret({ expiresAt: Math.floor(Date.now() / 1_000) - 1 })
    const response = await expectRefusal(
      postOffer(OFFER, { authorization: `Bearer ${expired}` }),
      401,
      'secret_expired',
    )
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  test.each([
    ['that is empty', '', 'sdp_malformed'],
    ['that is not SDP', 'hello', 'sdp_malformed'],
    ['without audio', OFFER.replaceAll('m=audio', 'm=video'), 'offer_no_audio'],
    ['without a fingerprint', OFFER.replaceAll(/a=fingerprint.*\r\n/g, ''), 'offer_no_fingerprint'],
  ])('with an offer %s', async (_case, offer, code) => {
    await expectRefusal(postOffer(offer), 400, code, 'sdp')
  })

  test('with an offer, or a body, too large', async () => {
    await expectRefusal(postOffer(OFFER + 'a=x\r\n'.repeat(13_000)), 413, 'offer_too_large', 'sdp')
    await expectRefusal(postOffer('x'.repeat(128 * 1024 + 1)), 413, 'request_too_large')
  })

  test.each(['text/plain', 'application/json', 'application/sdpx', ''])('as "%s"', async (type) => {
    const answer = post(
      '/v1/realtime/calls',
      new TextEncoder().encode(OFFER),
      type ? { 'content-type': type } : {},
    )
    await expectRefusal(answer, 415, 'unsupported_media_type')
  })

  test('in a form without an offer, with a malformed session, or that is no form', async () => {
    const postForm = (parts: Record<string, string>) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(parts)) form.set(name, value)
      return post('/v1/realtime/calls', form)
    }
    await expectRefusal(postForm({ session: '{}' }), 400, 'request_malformed', 'sdp')
    await expectRefusal(postForm({ sdp: OFFER, session: '{' }), 400, 'request_malformed', 'session')
    await expectRefusal(postForm({ sdp: OFFER, session: '[]' }), 400, 'request_malformed', 'session')
    const wrongType = postForm({ sdp: OFFER, session: '{"type":"transcription"}' })
    await expectRefusal(wrongType, 400, 'request_malformed', 'session.type')
    const noForm = post('/v1/realtime/calls', OFFER, { 'content-type': 'multipart/form-data; boundary=x' })
    await expectRefusal(noForm, 400, 'request_malformed')
  })

  test('while the fleet has never been read', async () => {
    const response = await expectRefusal(postOffer(OFFER), 503, 'fleet_unknown')
    expect(response.headers.get('retry-after')).toBe('5')
    expect(logged).toContainEqual(expect.objectContaining({ message: 'The fleet cannot be read' }))
  })
})

describe('an API key with origins', () => {
  const origins = ['https://app.example']
  const held = workerBindings('http://127.0.0.1:1', {
    FIRSTHOP_API_KEYS: JSON.stringify([apiKeyRecord('web', API_KEY, { origins })]),
  })
  const mint = (origin: Record<string, string>, env = held) =>
    postJson('/v1/realtime/client_secrets', {}, origin, env)

  test('may be used on their pages, and by servers', async () => {
    expect((await mint({ origin: 'https://app.example' })).status).toBe(200)
    expect((await mint({})).status).toBe(200)
  })

  test('may not be used on other pages', async () => {
    await expectRefusal(mint({ origin: 'https://evil.example' }), 403, 'origin_not_allowed')
  })

  test('holds the ephemeral keys that it mints to them', async () => {
    const { value } = (await (await mint({})).json()) as { value: string }
    const call = (origin: string) =>
      post(
        '/v1/realtime/calls',
        'hello',
        { authorization: `Bearer ${value}`, 'content-type': 'application/sdp', origin },
        held,
      )
    await expectRefusal(call('https://evil.example'), 403, 'origin_not_allowed')
    await expectRefusal(call('https://app.example'), 400, 'sdp_malformed', 'sdp')
  })

  test('takes its ephemeral keys with it when it is removed', async () => {
    const { value } = (await (await mint({})).json()) as { value: string }
    app = createApp(openLog({ write: () => {} }))
    const authorization = `Bearer ${value}`
    const answer = post(
      '/v1/realtime/calls',
      'hello',
      { authorization, 'content-type': 'application/sdp' },
      bindings,
    )
    await expectRefusal(answer, 401, 'api_key_invalid')
  })
})

describe('rates', () => {
  const limited = { limit: ({ key }: { key: string }) => Promise.resolve({ success: !spent.has(key) }) }
  const spent = new Set<string>()
  const env = { ...bindings, KEY_RATE: limited, CLIENT_RATE: limited }
  beforeEach(() => spent.clear())

  test('hold back a key that sends too much, and say for how long', async () => {
    spent.add('test')
    const response = await postJson('/v1/realtime/client_secrets', {}, {}, env)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '60'])
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: 'requests', code: 'rate_limit_exceeded', param: null },
    })
  })

  test('hold back a client that guesses keys before it is told that they are wrong', async () => {
    spent.add('203.0.113.9')
    const guess = (client: string) =>
      postJson(
        '/v1/realtime/client_secrets',
        {},
        { authorization: 'Bearer sk-guess', 'cf-connecting-ip': client },
        env,
      )
    expect((await guess('203.0.113.9')).status).toBe(429)
    expect((await guess('203.0.113.10')).status).toBe(401)
  })

  test('count a whole IPv6 network as one client', async () => {
    spent.add('2001:db8:0:1::')
    const ask = (client: string) =>
      post('/v1/realtime/calls', 'x', { authorization: 'Bearer ek_x', 'cf-connecting-ip': client }, env)
    expect((await ask('2001:db8:0:1:dead:beef::7')).status).toBe(429)
    expect((await ask('2001:db8:0:2::7')).status).toBe(401)
  })
})

describe('hanging up is refused', () => {
  test('without a key', async () => {
    await expectRefusal(ask('/v1/realtime/calls/rtc_x/hangup', { method: 'POST' }), 401, 'api_key_missing')
    await expectRefusal(ask('/v1/realtime/calls/rtc_x', { method: 'DELETE' }), 401, 'api_key_missing')
  })

  test.each(['x', 'rtc_', 'rtc_u1_9c6574da8b8a41a18da9308f4ad974ce', `rtc_${'A'.repeat(22)}`])(
    'for %s, which is no call of ours',
    async (id) => {
      await expectRefusal(post(`/v1/realtime/calls/${id}/hangup`, null), 404, 'call_unknown')
    },
  )
})

describe('a fragment is refused', () => {
  const patch = (headers: Record<string, string>) =>
    ask(`/v1/realtime/calls/rtc_${'A'.repeat(22)}`, {
      method: 'PATCH',
      body: 'a=ice-ufrag:x\r\n',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        'content-type': 'application/trickle-ice-sdpfrag',
        ...headers,
      },
    })

  test('of another type', async () => {
    const answer = patch({ 'content-type': 'application/sdp', 'if-match': '*' })
    await expectRefusal(answer, 415, 'unsupported_media_type')
  })

  test('that does not say which ICE session it means', async () => {
    await expectRefusal(patch({}), 428, 'precondition_required')
  })

  test.each(['"another"', 'ice-0', 'W/"ice-0"', '"ice-"'])('that means %s, which is none', async (tag) => {
    await expectRefusal(patch({ 'if-match': tag }), 412, 'ice_session_other')
  })

  test.each(['*', '"ice-0"'])('with If-Match %s for a call that is not ours', async (tag) => {
    await expectRefusal(patch({ 'if-match': tag }), 404, 'call_unknown')
  })
})

describe('a sideband is refused', () => {
  const open = (query: string, headers: Record<string, string> = {}) =>
    ask(`/v1/realtime${query}`, {
      headers: { authorization: `Bearer ${API_KEY}`, upgrade: 'websocket', ...headers },
    })

  test('to a browser, whose key is an ephemeral one', async () => {
    const authorization = `Bearer ${await mintSecret()}`
    await expectRefusal(open('?call_id=rtc_x', { authorization }), 401, 'api_key_invalid')
  })

  test('without a call', async () => {
    await expectRefusal(open('?model=gpt-realtime'), 400, 'request_malformed', 'call_id')
    await expectRefusal(open('?call_id=rtc_x'), 404, 'call_unknown')
  })

  test('as anything but a WebSocket', async () => {
    const response = await expectRefusal(open('?call_id=rtc_x', { upgrade: 'h2c' }), 426, 'upgrade_required')
    expect(response.headers.get('upgrade')).toBe('websocket')
  })
})

describe('the API', () => {
  test('has nothing at other URLs', async () => {
    await expectRefusal(ask('/v1/realtime/sessions', { method: 'POST' }), 404, 'url_unknown')
    await expectRefusal(ask('/nothing'), 404, 'url_unknown')
  })

  test.each([
    ['PUT', '/v1/realtime/calls', 'POST, GET, HEAD'],
    ['PUT', '/v1/realtime/calls/rtc_x', 'DELETE, GET, HEAD, PATCH'],
    ['DELETE', '/v1/realtime/client_secrets', 'POST'],
    ['PATCH', '/v1/realtime/calls/rtc_x/hangup', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('does not take %s at %s', async (method, path, allowed) => {
    const response = await expectRefusal(ask(path, { method }), 405, 'method_not_allowed')
    expect(response.headers.get('allow')).toBe(allowed)
  })

  test('answers a preflight with the very headers that it asks for', async () => {
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-openai-agents-sdk',
    }
    const response = await ask('/v1/realtime/calls', { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization,content-type,x-openai-agents-sdk',
      'access-control-allow-methods': 'GET,POST,PATCH,DELETE',
      'access-control-max-age': '86400',
    })
  })

  test('says with OPTIONS what calls and a call take, as WHIP clients ask', async () => {
    const calls = await ask('/v1/realtime/calls', { method: 'OPTIONS' })
    expect(calls.headers.get('accept-post')).toBe('application/sdp, multipart/form-data')
    expect(calls.headers.get('allow')).toBe('GET, HEAD, POST, OPTIONS')
    const call = await ask('/v1/realtime/calls/rtc_x', { method: 'OPTIONS' })
    expect(call.headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE, OPTIONS')
    expect(call.headers.get('accept-patch')).toBe('application/trickle-ice-sdpfrag')
    expect(call.headers.get('accept-post')).toBeNull()
    expect((await ask('/v1/realtime/calls')).status).toBe(204)
  })

  test('lets pages of any origin read its refusals, and the headers of its answers', async () => {
    const response = await postOffer('hello', { origin: 'https://app.example' })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const exposed = response.headers.get('access-control-expose-headers')?.split(',')
    expect(exposed).toEqual(
      expect.arrayContaining(['Location', 'Firsthop-Relay', 'Firsthop-Region', 'Server-Timing']),
    )
  })

  test('gives every request an id, or keeps the one it came with', async () => {
    expect((await ask('/healthz')).headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
    const response = await ask('/nothing', { headers: { 'x-request-id': 'req-7' } })
    expect(response.headers.get('x-request-id')).toBe('req-7')
    const refused = await postOffer('hello', { 'x-request-id': 'req-8' })
    expect(refused.headers.get('x-request-id')).toBe('req-8')
  })

  test('is alive without a fleet, but not ready', async () => {
    const response = await ask('/healthz')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
    const ready = await ask('/readyz')
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'no-fleet', relays: 0, transceivers: 0 },
    ])
  })

  test('says nothing but that it is misconfigured, and logs every mistake', async () => {
    const env = { ...bindings, FIRSTHOP_CONTROL_KEY: 'short', FIRSTHOP_SECRET_KEYS: undefined }
    await expectRefusal(ask('/healthz', {}, env), 500, 'misconfigured')
    expect(logged.map(({ mistake }) => mistake)).toEqual([
      'FIRSTHOP_CONTROL_KEY must be 64 hexadecimal digits',
      'FIRSTHOP_SECRET_KEYS is missing',
    ])
  })
})

/** Signs an ephemeral key by hand, with what the API itself would not mint. */
function signSecret(changes: object): string {
  const secret = { id: 'sess_x', keyId: '1', expiresAt: Math.floor(Date.now() / 1_000) + 60, ...changes }
  const signed = `ek_${Buffer.from(JSON.stringify(secret)).toString('base64url')}`
  const mac = createHmac('sha256', new Uint8Array(32).fill(0x11)).update(signed)
  return `${signed}.${mac.digest('base64url')}`
}
