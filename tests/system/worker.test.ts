/**
 * The Worker as it is deployed, in workerd, between the embedded store and two scripted transceivers.
 *
 * workers/app.test.ts holds what needs neither; here is what a call needs of others, and the clients of the API.
 */

import { OpenAI } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createTestHarness } from 'wrangler'
import { epochNow } from '#shared/platform/clock'
import { startFleetMember } from '#shared/platform/fleet-member'
import type { FleetMember } from '#shared/platform/fleet-member'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import type { Store } from '#shared/platform/store'
import { startLocalStore } from '../../scripts/local-store/server.ts'
import type { LocalStore } from '../../scripts/local-store/server.ts'
import { relayRecord, transceiverRecord } from '../fleet-records.ts'
import { offerVector } from '../offer-vectors.ts'
import { API_KEY, apiKeyRecord, workerBindings } from '../worker-bindings.ts'
import { ScriptedTransceiver, mintCallId } from './scripted-transceiver.ts'

const CAPPED_KEY = 'sk-capped'
const OFFER = offerVector('chromium156')
const FRANKFURT = { latitude: '50.11', longitude: '8.68', continent: 'EU' }
const DALLAS = { latitude: '32.78', longitude: '-96.80', continent: 'NA' }
const EU = { region: 'eu-west', latitude: 50.1, longitude: 8.7 }
const US = { region: 'us-south', latitude: 32.8, longitude: -96.8 }

const server = createTestHarness()
let url: string
let storeServer: LocalStore
let store: Store
let first: ScriptedTransceiver
let second: ScriptedTransceiver
let members: FleetMember[]

beforeAll(async () => {
  storeServer = await startLocalStore({ port: 0, token: 'store-token' })
  store = openStore({ url: storeServer.url, token: 'store-token' })
  first = await ScriptedTransceiver.start('transceiver-1', 1)
  second = await ScriptedTransceiver.start('transceiver-2', 2)
  const secrets = workerBindings(storeServer.url, {
    ENVIRONMENT: 'local',
    FIRSTHOP_API_KEYS: JSON.stringify([
      apiKeyRecord('test', API_KEY),
      apiKeyRecord('capped', CAPPED_KEY, { maxCalls: 3 }),
    ]),
  })
  const root = new URL('../..', import.meta.url).pathname
  await server.update({ root, workers: [{ configPath: 'wrangler.toml', secrets }] })
  url = (await server.listen()).url.href.replace(/\/$/, '')
  joinFleet()
  await untilReady()
})
afterAll(async () => {
  await leaveFleet()
  await server.close()
  await Promise.all([first.close(), second.close(), storeServer.close()])
})
beforeEach(() => {
  first.forget()
  second.forget()
})

/** Keeps both relays and both transceivers in the registry, as the nodes themselves do. */
function joinFleet(): void {
  const eu = () => ({
    ...EU,
    cluster: 1,
    transceiver: 1,
    controlUrl: first.controlUrl,
    callsByKey: { capped: 3 },
  })
  const us = () => ({ ...US, cluster: 1, transceiver: 2, controlUrl: second.controlUrl })
  const records = [
    () => relayRecord({ id: 'relay-eu', ...EU }, epochNow()),
    () => relayRecord({ id: 'relay-us', ...US }, epochNow()),
    () => transceiverRecord({ id: 'transceiver-1', ...eu() }, epochNow()),
    () => transceiverRecord({ id: 'transceiver-2', ...us() }, epochNow()),
  ]
  const log = openLog({ write: () => {} })
  members = records.map((record) => startFleetMember({ store, record, log, heartbeatSeconds: 1 }))
}

async function leaveFleet(): Promise<void> {
  await Promise.all(members.map((member) => member.stop()))
}

/** The Worker may have read the registry while the nodes were joining, and then looks again after a few seconds. */
async function untilReady(): Promise<void> {
  const readiness = async () => (await server.fetch('/readyz')).json()
  await vi.waitFor(
    async () => expect(await readiness()).toMatchObject({ relays: 2, transceivers: 2 }),
    10_000,
  )
}

interface AskOptions {
  readonly type?: string
  readonly cf?: object
  readonly headers?: Record<string, string>
  readonly path?: string
}

function post(path: string, body: BodyInit | null, { type, cf = FRANKFURT, headers }: AskOptions = {}) {
  const contentType = type === undefined ? {} : { 'content-type': type }
  const init = {
    method: 'POST',
    body,
    cf,
    headers: { authorization: `Bearer ${API_KEY}`, ...contentType, ...headers },
  }
  return server.fetch(path, init as Parameters<typeof server.fetch>[1])
}

function postOffer({ path = '/v1/realtime/calls', ...options }: AskOptions = {}) {
  return post(path, OFFER, { type: 'application/sdp', ...options })
}

async function refusalOf(response: { status: number; json(): Promise<unknown> }) {
  const { error } = (await response.json()) as { error: { code: string; param: string | null } }
  return [response.status, error.code, error.param]
}

describe('placing a call', () => {
  test('answers as the API does, and says which way the call goes', async () => {
    const response = await postOffer({ headers: { 'x-request-id': 'req-1' } })
    expect(response.status).toBe(201)
    expect(await response.text()).toBe('v=0\r\n')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/sdp',
      location: expect.stringMatching(/^\/v1\/realtime\/calls\/rtc_[\w-]{22}$/),
      'firsthop-relay': 'relay-eu, relay-us',
      'firsthop-region': 'eu-west, us-south',
      'server-timing': expect.stringMatching(
        /^steer;dur=\d+\.\d, place;dur=1\.5, transceiver;dur=\d+\.\d;desc="transceiver-1", worker;dur=\d+\.\d$/,
      ),
      'access-control-allow-origin': '*',
      'x-request-id': 'req-1',
    })
    expect(first.signatureFaults).toEqual([])
    expect(first.requests).toEqual([
      {
        path: '/v1/calls',
        body: {
          requestId: 'req-1',
          offer: OFFER,
          apiKeyId: 'test',
          steering: expect.objectContaining({ placedBy: 'coordinates', attempts: [] }),
          relays: [
            expect.objectContaining({ id: 'relay-eu', region: 'eu-west' }),
            expect.objectContaining({ id: 'relay-us', region: 'us-south' }),
          ],
        },
      },
    ])
  })

  test('steers by where Cloudflare sees the client', async () => {
    const response = await postOffer({ cf: DALLAS })
    expect(response.headers.get('firsthop-relay')).toBe('relay-us, relay-eu')
    expect([first.requests.length, second.requests.length]).toEqual([0, 1])
  })

  test('steers a local request by where it says it is', async () => {
    const response = await postOffer({ path: '/v1/realtime/calls?at=32.78,-96.80' })
    expect(response.headers.get('firsthop-relay')).toBe('relay-us, relay-eu')
  })

  test("says on a developer's machine why it steered so, and tells the transceiver", async () => {
    first.script = () => ({ status: 503, body: errorBody('node-full') })
    const steering = JSON.parse((await postOffer()).headers.get('firsthop-steering') ?? '') as unknown
    expect(steering).toEqual({
      placedBy: 'coordinates',
      relays: [
        { id: 'relay-eu', region: 'eu-west', reason: 'nearest', distanceKm: 2, load: 0 },
        expect.objectContaining({ id: 'relay-us', reason: 'another-region' }),
      ],
      transceivers: [
        { id: 'transceiver-1', region: 'eu-west', reason: 'nearest', distanceKm: 0, load: 0 },
        expect.objectContaining({ id: 'transceiver-2', reason: 'next' }),
      ],
      draining: 0,
      full: 0,
      attempts: [{ id: 'transceiver-1', fault: 'node-full' }],
    })
    expect(second.requests.at(-1)?.body['steering']).toEqual(steering)
  })

  test('names the data channel that the client has negotiated beforehand', async () => {
    expect((await postOffer({ path: '/v1/realtime/calls?dcid=4' })).status).toBe(201)
    expect(first.requests.at(-1)?.body['channelId']).toBe(4)
    for (const dcid of ['', 'four', '1024', '-1', '1.5']) {
      const response = await postOffer({ path: `/v1/realtime/calls?dcid=${dcid}` })
      expect(await refusalOf(response)).toEqual([400, 'request_malformed', 'dcid'])
    }
  })

  test('steers a client of unknown place somewhere', async () => {
    expect((await postOffer({ cf: {} })).status).toBe(201)
  })

  test('gives the transceiver the session of the ephemeral key, and what the client changes in it', async () => {
    const session = {
      type: 'realtime',
      instructions: 'Be brief.',
      audio: { output: { voice: 'alto', speed: 1 } },
    }
    const body = JSON.stringify({ session })
    const minted = await post('/v1/realtime/client_secrets', body, { type: 'application/json' })
    const { value } = (await minted.json()) as { value: string }
    const headers = { authorization: `Bearer ${value}` }
    expect((await postOffer({ headers })).status).toBe(201)
    expect(first.requests.at(-1)?.body['session']).toEqual(session)

    const form = new FormData()
    form.set('sdp', new Blob([OFFER], { type: 'application/sdp' }), 'offer.sdp')
    form.set('session', JSON.stringify({ audio: { output: { voice: 'bass' } } }))
    const encoded = new Response(form)
    const type = encoded.headers.get('content-type') ?? ''
    expect((await post('/v1/realtime/calls', await encoded.text(), { type, headers })).status).toBe(201)
    expect(first.requests.at(-1)?.body['session']).toEqual({
      ...session,
      audio: { output: { voice: 'bass', speed: 1 } },
    })
  })

  test.each([
    ['is full', () => ({ status: 503, body: errorBody('node-full') })],
    ['is broken', () => ({ status: 500 })],
    ['answers something else', () => ({ status: 201, body: { hello: 'world' } })],
    ['does not accept the signature', () => ({ status: 401, body: errorBody('signature-forged') })],
    ['redirects', () => ({ status: 302 })],
    ['does not answer in time', () => 'never' as const],
  ])('goes to the next transceiver when the first one %s', async (_case, script) => {
    first.script = script
    const response = await postOffer()
    expect(response.status).toBe(201)
    expect(response.headers.get('server-timing')).toContain('desc="transceiver-2"')
    expect([first.requests.length, second.requests.length]).toEqual([1, 1])
  })

  test('is refused when no transceiver takes it', async () => {
    first.script = () => ({ status: 503, body: errorBody('node-draining') })
    second.script = () => ({ status: 503, body: errorBody('node-full') })
    const response = await postOffer()
    expect(await refusalOf(response)).toEqual([503, 'transceiver_unreachable', null])
    expect(response.headers.get('retry-after')).toBe('5')
  })

  test('gives the client what the transceiver finds wrong with the offer, and asks no other', async () => {
    first.script = () => ({ status: 400, body: errorBody('offer-no-codec', 'sdp') })
    expect(await refusalOf(await postOffer())).toEqual([400, 'offer_no_codec', 'sdp'])
    expect(second.requests).toEqual([])
  })

  test('is refused for a malformed offer before any transceiver is asked', async () => {
    const response = await post('/v1/realtime/calls', 'hello', { type: 'application/sdp' })
    expect(await refusalOf(response)).toEqual([400, 'sdp_malformed', 'sdp'])
    expect(first.requests).toEqual([])
  })

  test('is refused for a body that grows too large while it comes in', async () => {
    const chunks = Array.from({ length: 40 }, () => new TextEncoder().encode('x'.repeat(4_096)))
    const body = new ReadableStream({
      pull: (controller) => {
        const chunk = chunks.pop()
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
    })
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/sdp' }
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, headers, duplex: 'half' }
    expect(await refusalOf(await fetch(`${url}/v1/realtime/calls`, init))).toEqual([
      413,
      'request_too_large',
      null,
    ])
  })
})

describe('limits', () => {
  test('refuse a call of a key that has all its calls under way, and no other', async () => {
    const response = await postOffer({ headers: { authorization: `Bearer ${CAPPED_KEY}` } })
    expect(await refusalOf(response)).toEqual([429, 'too_many_calls', null])
    expect(response.headers.get('retry-after')).toBe('5')
    expect((await postOffer()).status).toBe(201)
  })

  test('count the calls of ephemeral keys for the key that minted them', async () => {
    const authorization = `Bearer ${CAPPED_KEY}`
    const minted = await post('/v1/realtime/client_secrets', null, { headers: { authorization } })
    const { value } = (await minted.json()) as { value: string }
    expect((await postOffer({ headers: { authorization: `Bearer ${value}` } })).status).toBe(429)
  })

  test('stop a client that guesses keys', async () => {
    const guess = () =>
      post('/v1/realtime/client_secrets', null, {
        headers: { authorization: 'Bearer sk-guess', 'cf-connecting-ip': '203.0.113.66' },
      })
    const statuses = new Set<number>()
    for (let i = 0; i < 301; i++) statuses.add((await guess()).status)
    expect(statuses).toEqual(new Set([401, 429]))
  })
})

describe('hanging up', () => {
  test('reaches the transceiver that took the call', async () => {
    const location = (await postOffer({ cf: DALLAS })).headers.get('location')
    const response = await post(`${location}/hangup`, null, { headers: { 'x-request-id': 'req-2' } })
    expect([response.status, await response.text()]).toEqual([200, ''])
    const callId = location?.split('/').pop()
    expect(second.requests.at(-1)).toEqual({
      path: `/v1/calls/${callId}/hangup`,
      body: { requestId: 'req-2' },
    })
    expect(second.signatureFaults).toEqual([])
  })

  test('by DELETE does the same, whatever ICE session the client thinks of', async () => {
    const location = (await postOffer({ cf: DALLAS })).headers.get('location') ?? ''
    const headers = { authorization: `Bearer ${API_KEY}`, 'if-match': '"long-gone"' }
    const response = await server.fetch(location, { method: 'DELETE', headers })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(second.requests.at(-1)?.path).toBe(`/v1/calls/${location.split('/').pop()}/hangup`)
  })

  const hangUp = (callId: string) => post(`/v1/realtime/calls/${callId}/hangup`, null)

  test('is refused for a call that its transceiver does not know', async () => {
    first.script = () => ({ status: 404, body: errorBody('call-unknown') })
    expect(await refusalOf(await hangUp(mintCallId(1, epochNow() + 60)))).toEqual([404, 'call_unknown', null])
  })

  test('is refused for a call of a transceiver that is gone, and for one that has expired', async () => {
    expect(await refusalOf(await hangUp(mintCallId(9, epochNow() + 60)))).toEqual([404, 'call_unknown', null])
    expect(await refusalOf(await hangUp(mintCallId(1, epochNow() - 120)))).toEqual([
      404,
      'call_unknown',
      null,
    ])
    expect(first.requests).toEqual([])
  })

  test('is refused when the transceiver does not answer', async () => {
    first.script = () => 'never'
    const response = await hangUp(mintCallId(1, epochNow() + 60))
    expect(await refusalOf(response)).toEqual([503, 'transceiver_unreachable', null])
  })
})

describe('browsers', () => {
  test('are answered a preflight with the headers of the OpenAI Agents SDK', async () => {
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-openai-agents-sdk',
    }
    const response = await server.fetch('/v1/realtime/calls', { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-headers')).toBe(
      'authorization,content-type,x-openai-agents-sdk',
    )
    expect(response.headers.get('access-control-max-age')).toBe('86400')
  })

  test('get the page from the same origin', async () => {
    const response = await server.fetch('/')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await refusalOf(await server.fetch('/no-such-page'))).toEqual([404, 'url_unknown', null])
  })
})

describe("OpenAI's own client", () => {
  const client = () => new OpenAI({ apiKey: API_KEY, baseURL: `${url}/v1`, maxRetries: 0 })

  test('places a call with an offer alone and hangs it up', async () => {
    const response = await client().realtime.calls.create({ sdp: OFFER })
    expect(await response.text()).toBe('v=0\r\n')
    const callId = response.headers.get('location')?.split('/').pop() ?? ''
    await client().realtime.calls.hangup(callId)
    const asked = [...first.requests, ...second.requests].map(({ path }) => path)
    expect(asked).toEqual(['/v1/calls', `/v1/calls/${callId}/hangup`])
  })

  test('places a call with a session', async () => {
    const session = { type: 'realtime' as const, instructions: 'Be brief.' }
    const response = await client().realtime.calls.create({ sdp: OFFER, session })
    expect(response.status).toBe(201)
    const [request] = [...first.requests, ...second.requests]
    expect(request?.body).toMatchObject({ offer: OFFER, session })
  })

  test('mints an ephemeral key and places a call with it', async () => {
    const secret = await client().realtime.clientSecrets.create({
      expires_after: { anchor: 'created_at', seconds: 30 },
      session: { type: 'realtime', instructions: 'Be brief.' },
    })
    expect(secret.expires_at).toBeCloseTo(epochNow() + 30, -1)
    expect(secret.session).toMatchObject({ type: 'realtime', instructions: 'Be brief.' })
    const browser = new OpenAI({ apiKey: secret.value, baseURL: `${url}/v1`, maxRetries: 0 })
    expect((await browser.realtime.calls.create({ sdp: OFFER })).status).toBe(201)
  })

  test('understands the refusals', async () => {
    const stranger = new OpenAI({ apiKey: 'sk-wrong', baseURL: `${url}/v1`, maxRetries: 0 })
    await expect(stranger.realtime.clientSecrets.create({})).rejects.toMatchObject({
      status: 401,
      code: 'api_key_invalid',
      type: 'invalid_request_error',
    })
    await expect(client().realtime.calls.create({ sdp: 'hello' })).rejects.toMatchObject({
      status: 400,
      code: 'sdp_malformed',
      param: 'sdp',
    })
  })
})

describe('a fleet', () => {
  test('that is not there is waited for, and then used at once', async () => {
    await leaveFleet()
    await server.reset()
    const refused = await postOffer()
    expect(await refusalOf(refused)).toEqual([503, 'no_relay', null])
    expect(refused.headers.get('retry-after')).toBe('5')
    expect((await server.fetch('/readyz')).status).toBe(503)

    await store.publish(relayRecord({ id: 'relay-eu', ...EU }, epochNow()))
    const refusedNow = async () => refusalOf(await postOffer())
    await expect.poll(refusedNow, { timeout: 5_000 }).toEqual([503, 'no_transceiver', null])
    joinFleet()
    await untilReady()
    expect((await postOffer()).status).toBe(201)
  })

  test('that is new to the Worker is read for calls that come together', async () => {
    await server.reset()
    const responses = await Promise.all(Array.from({ length: 8 }, () => postOffer()))
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201))
  })

  test('is read again when nobody that is known takes a call: who has just come is asked', async () => {
    await untilReady()
    first.script = () => ({ status: 503, body: errorBody('node-draining') })
    second.script = first.script
    const third = await ScriptedTransceiver.start('transceiver-3', 3)
    const seat = { ...EU, cluster: 1, transceiver: 3, controlUrl: third.controlUrl }
    const record = () => transceiverRecord({ id: third.id, ...seat }, epochNow())
    const member = startFleetMember({ store, record, log: openLog({ write: () => {} }), heartbeatSeconds: 1 })
    onTestFinished(async () => {
      await member.stop()
      await third.close()
    })
    const place = async () => {
      const response = await postOffer()
      return JSON.parse(response.headers.get('firsthop-steering') ?? 'null') as unknown
    }
    // Until a second has passed since the last read, the store is not asked again.
    await expect.poll(place, { timeout: 5_000 }).toMatchObject({
      attempts: [
        { id: 'transceiver-1', fault: 'node-draining' },
        { id: 'transceiver-2', fault: 'node-draining' },
      ],
    })
    expect(third.requests).toHaveLength(1)
  })

  test('that is known goes on taking calls while the store is down', async () => {
    const statuses = [(await postOffer()).status]
    await storeServer.close()
    const hasFailedToRead = async () => {
      statuses.push((await postOffer()).status)
      return JSON.stringify(server.getLogs()).includes('The fleet cannot be read')
    }
    await expect.poll(hasFailedToRead, { timeout: 15_000, interval: 200 }).toBe(true)
    statuses.push((await postOffer()).status)
    expect(new Set(statuses)).toEqual(new Set([201]))
    storeServer = await startLocalStore({ port: Number(new URL(storeServer.url).port), token: 'store-token' })
  })
})

function errorBody(code: string, param: string | null = null) {
  return { error: { message: `It is ${code}.`, type: 'invalid_request_error', code, param } }
}
