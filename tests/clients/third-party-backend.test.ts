/** OpenAI's unmodified browser libraries against the whole stack, with somebody else's Realtime server behind it: docs/backends.md. */

import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../e2e/browser.ts'
import { turnOf } from '../realtime-turn.ts'
import { ScriptedBackend } from '../scripted-backend.ts'
import type { ScriptedConversation } from '../scripted-backend.ts'
import { takeTurns, tone } from '../talking-backend.ts'
import { until } from '../until.ts'
import { closePage, openPage } from './client-page.ts'
import { startClientStack } from './client-stack.ts'
import type { ClientStack } from './client-stack.ts'
import { PageServer } from './page-server.ts'
import type { AgentsPage, AgentsView } from './pages/agents.ts'
import type { WebRtcView } from './pages/openai-webrtc.ts'

let backend: ScriptedBackend
let stack: ClientStack
let browser: Browser
let server: PageServer
let page: Page
let remote: ScriptedConversation

beforeAll(async () => {
  backend = await ScriptedBackend.start({ onConversation: takeTurns })
  server = await PageServer.start()
  stack = await startClientStack({ FIRSTHOP_BACKEND_URL: backend.url })
  browser = await launchChromium()
})
afterEach(async () => {
  await closePage(page)
  backend.conversations.length = 0
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
  server?.stop()
  await backend?.close()
})

describe("@openai/agents-realtime and somebody else's server", () => {
  test('agree on a session: the update of the library arrives whole', async () => {
    await connect('agents')
    await until(() => {
      const updates = remote.events.filter(({ type }) => type === 'session.update')
      expect(updates).toContainEqual(
        expect.objectContaining({
          session: expect.objectContaining({ instructions: 'Answer questions about the weather.' }),
        }),
      )
    })
    expect(await agents()).toMatchObject({ status: 'connected', errors: [] })
  })

  test('talk: speech reaches the server, and its answer the user', async () => {
    await connect('agents', 'speaks')
    await seen('input_audio_buffer.committed', 'response.done', 'output_audio_buffer.stopped')
    expect(await agents()).toMatchObject({ transcripts: ['Hello.'], errors: [] })
  })

  test('call a tool: the arguments come from the server, and the result goes to it', async () => {
    await connect('agents')
    remote.say(...toolCallOf('get_weather', { city: 'Lisbon' }))
    const created = await remote.untilEvent('conversation.item.create')
    expect(created.item).toMatchObject({
      type: 'function_call_output',
      call_id: 'call_1',
      output: 'eleven degrees and rain',
    })
    await remote.untilEvent('response.create')
    expect(await agents()).toMatchObject({ toolCalls: [{ city: 'Lisbon' }], errors: [] })
  })

  test('interrupt: the library silences, the server learns how much was heard', async () => {
    await connect('agents')
    remote.say(...turnOf(tone(30_000)))
    await seen('output_audio_buffer.started')
    await page.evaluate(() => client.interrupt())
    const { audio_end_ms: heardMillis } = await remote.untilEvent('conversation.item.truncate')
    expect(heardMillis).toBeGreaterThan(0)
    expect(heardMillis).toBeLessThan(30_000)
    await seen('output_audio_buffer.cleared')
  })

  test('write: text reaches the server', async () => {
    await connect('agents')
    await page.evaluate(() => client.say('The quick brown fox.'))
    expect((await remote.untilEvent('conversation.item.create')).item).toMatchObject({
      role: 'user',
      content: [{ type: 'input_text', text: 'The quick brown fox.' }],
    })
    await remote.untilEvent('response.create')
  })
})

describe("openai/realtime/webrtc and somebody else's server", () => {
  test('talk', async () => {
    await connect('openai-webrtc', 'speaks')
    await until(async () => expect((await webRtc()).types).toContain('output_audio_buffer.stopped'))
    expect(await webRtc()).toMatchObject({ state: 'connected', transcripts: ['Hello.'], errors: [] })
  })
})

async function connect(name: string, microphone: 'speaks' | 'is silent' = 'is silent'): Promise<void> {
  page = await openPage(browser, server.urlOf(name), stack, microphone)
  remote = await backend.conversation()
  await remote.untilEvent('session.update')
}

/** Waits until the server events of these types have come, in this order. */
async function seen(...wanted: string[]): Promise<void> {
  await until(async () => {
    const { types } = await agents()
    let at = -1
    for (const type of wanted)
      expect((at = types.indexOf(type, at + 1)), `${type} among ${types.join(', ')}`).not.toBe(-1)
  })
}

/** A response that calls a function, as OpenAI's server sends it. */
function toolCallOf(name: string, input: object): RealtimeServerEvent[] {
  const address = { response_id: 'resp_1', output_index: 0 } as const
  const call = {
    id: 'item_1',
    object: 'realtime.item',
    type: 'function_call',
    call_id: 'call_1',
    name,
  } as const
  const done = { ...call, status: 'completed', arguments: JSON.stringify(input) } as const
  const response = { id: 'resp_1', object: 'realtime.response' } as const
  const ids = { ...address, item_id: 'item_1', call_id: 'call_1' }
  return [
    { type: 'response.created', event_id: 'e', response: { ...response, status: 'in_progress', output: [] } },
    {
      type: 'response.output_item.added',
      event_id: 'e',
      ...address,
      item: { ...call, status: 'in_progress', arguments: '' },
    },
    { type: 'response.function_call_arguments.done', event_id: 'e', ...ids, name, arguments: done.arguments },
    { type: 'response.output_item.done', event_id: 'e', ...address, item: done },
    { type: 'response.done', event_id: 'e', response: { ...response, status: 'completed', output: [done] } },
  ]
}

function agents(): Promise<AgentsView> {
  return page.evaluate(() => client.view())
}

function webRtc(): Promise<WebRtcView> {
  return page.evaluate(() => client.view() as never)
}

/** In the page only. */
declare const client: AgentsPage
