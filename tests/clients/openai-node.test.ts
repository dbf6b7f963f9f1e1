/** The `openai` package in Node, unmodified but for its `baseURL`: calls, client secrets, hang-up. docs/api.md. */

import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'
import { startClientStack } from './client-stack.ts'
import type { ClientStack } from './client-stack.ts'

const OFFER = readFileSync(new URL('../vectors/chromium156.offer.sdp', import.meta.url), 'utf8')

let stack: ClientStack
let client: OpenAI

beforeAll(async () => {
  stack = await startClientStack()
  client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.apiKey })
})
afterAll(() => stack?.stop())

describe('openai in Node', () => {
  test('places a call with a raw offer, and hangs it up', async () => {
    const response = await client.realtime.calls.create({ sdp: OFFER })
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toContain('application/sdp')
    expect(await response.text()).toMatch(/^v=0\r\n/)
    const callId = callIdOf(response)
    await until(async () => expect(await sessions()).toBe(1))
    await client.realtime.calls.hangup(callId)
    await until(async () => expect(await sessions()).toBe(0))
  })

  test('places a call with an offer and a session in one form', async () => {
    const session = { type: 'realtime' as const, model: 'demo', instructions: 'Be brief.' }
    const response = await client.realtime.calls.create({ sdp: OFFER, session })
    expect(response.status).toBe(201)
    await client.realtime.calls.hangup(callIdOf(response))
  })

  test('asks for a client secret, with which a page can place calls until it expires', async () => {
    const secret = await client.realtime.clientSecrets.create({
      expires_after: { anchor: 'created_at', seconds: 60 },
      session: { type: 'realtime', instructions: 'Be brief.' },
    })
    expect(secret.value).toMatch(/^ek_/)
    expect(secret.expires_at - Date.now() / 1_000).toBeGreaterThan(50)
    expect(secret.session).toMatchObject({ type: 'realtime', instructions: 'Be brief.' })
    const pageClient = new OpenAI({ baseURL: stack.baseUrl, apiKey: secret.value })
    const calls = await Promise.all([1, 2].map(() => pageClient.realtime.calls.create({ sdp: OFFER })))
    for (const call of calls) await client.realtime.calls.hangup(callIdOf(call))
  })

  test('gets errors in the shape that it reads: of keys, of offers, of calls that are not there', async () => {
    const stranger = new OpenAI({ baseURL: stack.baseUrl, apiKey: 'sk-wrong', maxRetries: 0 })
    await expect(stranger.realtime.calls.create({ sdp: OFFER })).rejects.toMatchObject({
      status: 401,
      type: 'invalid_request_error',
      error: { message: expect.any(String) },
    })
    await expect(client.realtime.calls.create({ sdp: 'v=0' })).rejects.toMatchObject({ status: 400 })
    await expect(client.realtime.calls.hangup('rtc_unknown')).rejects.toMatchObject({ status: 404 })
    const secret = { expires_after: { anchor: 'created_at' as const, seconds: 5 } }
    await expect(client.realtime.clientSecrets.create(secret)).rejects.toMatchObject({
      status: 400,
      param: 'expires_after.seconds',
    })
  })
})

function callIdOf(response: Response): string {
  const callId = response.headers.get('location')?.split('/').pop() ?? ''
  expect(callId).toMatch(/^rtc_/)
  return callId
}

async function sessions(): Promise<number | undefined> {
  return (await metricsAt(stack.ports.transceiver.admin))['firsthop_transceiver_sessions']
}
