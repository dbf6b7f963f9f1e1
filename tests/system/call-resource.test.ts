/**
 * A call as a resource, and its sidebands: the real Worker in workerd, a real transceiver, no media.
 *
 * The agent answers events as soon as the call is placed, so nobody needs to connect.
 */

import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { MAX_SIDEBANDS } from '#shared/control/sideband'
import { startClientStack } from '../clients/client-stack.ts'
import type { ClientStack } from '../clients/client-stack.ts'
import { offerVector } from '../offer-vectors.ts'

const OFFER = offerVector('chromium156')
const OFFERED_UFRAG = /^a=ice-ufrag:(.*?)\r$/m.exec(OFFER)?.[1] ?? ''
const FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag'

let stack: ClientStack
let call: { readonly location: string; readonly id: string; readonly etag: string | null }
const sockets: WebSocket[] = []

beforeAll(async () => {
  stack = await startClientStack()
})
afterAll(() => stack.stop())
beforeEach(async () => {
  const response = await ask('/v1/realtime/calls', {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', 'x-request-id': 'req-place' },
    body: OFFER,
  })
  expect(response.status).toBe(201)
  const location = response.headers.get('location') ?? ''
  call = { location, id: location.split('/').pop() ?? '', etag: response.headers.get('etag') }
  for (const socket of sockets.splice(0)) socket.terminate()
})

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${stack.apiKey}`, ...(init.headers as Record<string, string>) }
  return fetch(stack.url + path, { ...init, headers })
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code
}

describe('a call', () => {
  test('says how far it has come, and why it was steered so', async () => {
    const response = await ask(call.location)
    expect([response.status, response.headers.get('etag')]).toEqual([200, '"ice-0"'])
    expect(await response.json()).toMatchObject({
      object: 'realtime.call',
      id: call.id,
      state: 'connecting',
      placedAt: expect.any(Number),
      requestId: 'req-place',
      apiKeyId: 'application',
      restarts: 0,
      timeline: { offer: 0, answer: expect.any(Number), connected: null },
      steering: { placedBy: expect.any(String), relays: expect.any(Array), attempts: [] },
    })
  })

  test('is gone once it has been ended', async () => {
    expect((await ask(call.location, { method: 'DELETE' })).status).toBe(200)
    const answers = await Promise.all([
      ask(call.location),
      ask(call.location, { method: 'DELETE' }),
      patch(`a=ice-ufrag:${OFFERED_UFRAG}\r\na=ice-pwd:x\r\n`, '*'),
    ])
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  })
})

function patch(fragment: string, ifMatch: string): Promise<Response> {
  const headers = { 'content-type': FRAGMENT_TYPE, 'if-match': ifMatch }
  return ask(call.location, { method: 'PATCH', body: fragment, headers })
}

describe('ICE', () => {
  const password = 'p'.repeat(24)
  const restart = `a=ice-ufrag:anew\r\na=ice-pwd:${password}\r\n`
  const trickle = `a=ice-ufrag:${OFFERED_UFRAG}\r\na=ice-pwd:${password}\r\na=end-of-candidates\r\n`

  test('has a session that the answer names, and takes candidates for it', async () => {
    expect(call.etag).toBe('"ice-0"')
    const response = await patch(trickle, '"ice-0"')
    expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([204, '', null])
  })

  test('is restarted by new credentials, and answers with its own and another tag', async () => {
    const response = await patch(restart, '*')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(FRAGMENT_TYPE)
    expect(response.headers.get('etag')).toBe('"ice-1"')
    const fragment = await response.text()
    expect(fragment).toMatch(/^a=ice-ufrag:.{22}\r$/m)
    expect(fragment).toMatch(/^a=candidate:/m)
    expect((await ask(call.location)).headers.get('etag')).toBe('"ice-1"')
  })

  test('takes nothing for a session that a restart has ended', async () => {
    await patch(restart, '*')
    const response = await patch(trickle, '"ice-0"')
    expect([response.status, await codeOf(response)]).toEqual([412, 'ice_session_other'])
  })

  test('refuses what is no fragment, or has no credentials', async () => {
    const malformed = await patch('hello', '*')
    expect([malformed.status, await codeOf(malformed)]).toEqual([400, 'fragment_malformed'])
    const empty = await patch('a=end-of-candidates\r\n', '*')
    expect([empty.status, await codeOf(empty)]).toEqual([422, 'fragment_no_ice'])
  })
})

/** A server on a call's sideband, and what it has heard. */
class Server {
  readonly socket: WebSocket
  readonly events: { readonly type: string; readonly [field: string]: unknown }[] = []
  readonly closed: Promise<readonly [code: number, reason: string]>

  constructor(callId: string, options: { readonly protocols?: string[]; readonly key?: string } = {}) {
    const url = `${stack.url.replace('http', 'ws')}/v1/realtime?call_id=${callId}`
    const headers = { authorization: `Bearer ${options.key ?? stack.apiKey}` }
    this.socket = new WebSocket(url, options.protocols ?? [], { headers })
    sockets.push(this.socket)
    this.socket.on('message', (data: Buffer) => this.events.push(JSON.parse(data.toString()) as never))
    this.closed = once(this.socket, 'close').then(([code, reason]) => [code as number, String(reason)])
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open')
    return this
  }

  async refused(): Promise<number> {
    const [, response] = (await once(this.socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    return response.statusCode
  }

  async heard(type: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const event = this.events.find((one) => one.type === type)
      if (event !== undefined) return event
      await once(this.socket, 'message')
    }
  }

  say(event: object): void {
    this.socket.send(JSON.stringify(event))
  }
}

describe('a sideband', () => {
  const update = { type: 'session.update', session: { type: 'realtime', instructions: 'Be brief.' } }

  test('says what the client might say, and hears what the client is told', async () => {
    const [server, other] = await Promise.all([
      new Server(call.id).opened(),
      new Server(call.id, { protocols: ['realtime'] }).opened(),
    ])
    expect(other.socket.protocol).toBe('realtime')
    server.say(update)
    for (const one of [server, other]) {
      expect(await one.heard('session.updated')).toMatchObject({ session: { instructions: 'Be brief.' } })
    }
  })

  test('alone is told that what it sent is no event', async () => {
    const [server, other] = await Promise.all([new Server(call.id).opened(), new Server(call.id).opened()])
    server.socket.send('hello')
    expect(await server.heard('error')).toMatchObject({ error: { type: 'invalid_request_error' } })
    server.say(update)
    await other.heard('session.updated')
    expect(other.events.map(({ type }) => type)).not.toContain('error')
  })

  test('is closed with the reason when the call ends', async () => {
    const server = await new Server(call.id).opened()
    await ask(call.location, { method: 'DELETE' })
    expect(await server.closed).toEqual([1000, 'hang-up'])
  })

  test('does not end the call when it leaves', async () => {
    const server = await new Server(call.id).opened()
    server.socket.close()
    await server.closed
    expect((await ask(call.location)).status).toBe(200)
  })

  test('is refused to the one too many, to a wrong key, and for a call that is not there', async () => {
    const servers = Array.from({ length: MAX_SIDEBANDS }, () => new Server(call.id).opened())
    await Promise.all(servers)
    expect(await new Server(call.id).refused()).toBe(429)
    expect(await new Server(call.id, { key: 'sk-wrong' }).refused()).toBe(401)
    await ask(call.location, { method: 'DELETE' })
    expect(await new Server(call.id).refused()).toBe(404)
  })
})
