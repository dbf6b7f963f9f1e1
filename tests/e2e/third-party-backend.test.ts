/** Somebody else's model, one URL away: the page, the Worker, relays and transceiver, and a Realtime server that knows none of them. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { turnOf } from '../realtime-turn.ts'
import { ScriptedBackend } from '../scripted-backend.ts'
import type { ScriptedConversation } from '../scripted-backend.ts'
import { takeTurns, tone } from '../talking-backend.ts'
import { until } from '../until.ts'
import { countsOf, launchChromium, receivedTypes, talk, untilView } from './browser.ts'

let backend: ScriptedBackend
let stack: Stack
let browser: Browser
let page: Page | undefined

beforeAll(async () => {
  backend = await ScriptedBackend.start({ onConversation: takeTurns })
  stack = await startStack({
    ports: await freeStackPorts(),
    onLine: () => undefined,
    backend: { url: `${backend.url}?model=theirs`, key: 'sk-theirs' },
  })
  browser = await launchChromium()
})
afterEach(async () => {
  await page?.close()
  page = undefined
  backend.conversations.length = 0
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
  await backend?.close()
})

async function talkToBackend(): Promise<{ page: Page; remote: ScriptedConversation }> {
  page = await talk(browser, stack.url)
  const remote = await backend.conversation()
  await untilView(page, (view) => receivedTypes(view).includes('session.updated'))
  return { page, remote }
}

describe("a browser and somebody else's Realtime server", () => {
  test('hear each other, and their events pass as they are', async () => {
    const { page, remote } = await talkToBackend()
    expect(remote.request.url).toBe('/v1/realtime?model=theirs')
    expect(remote.request.headers.authorization).toBe('Bearer sk-theirs')
    remote.socket.send('{"type":"vendor.hint","event_id":"e","detail":{"mood":"calm"}}')
    const view = await untilView(
      page,
      (v) => receivedTypes(v).includes('output_audio_buffer.stopped'),
      60_000,
    )
    const types = receivedTypes(view)
    expect(types.slice(0, 2)).toEqual(['session.created', 'session.updated'])
    expect(types).toContain('vendor.hint')
    expect(types).not.toContain('response.output_audio.delta')
    const turn = types.slice(types.indexOf('response.created'))
    const positions = [
      'response.created',
      'response.output_audio.done',
      'response.done',
      'output_audio_buffer.stopped',
    ].map((type) => turn.indexOf(type))
    expect(positions).not.toContain(-1)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    // Energy is what Chromium's decoder put out: the tone was heard, and the user's speech had come to the server.
    const { energy } = await countsOf(page)
    expect(energy).toBeGreaterThan(0.005)
  })

  test('are interrupted at the millisecond that was heard', async () => {
    const { page, remote } = await talkToBackend()
    remote.onEvent = () => {}
    const spokenAt = performance.now()
    remote.say(...turnOf(tone(30_000)))
    await until(async () => expect((await countsOf(page)).energy).toBeGreaterThan(0.01))
    remote.say({
      type: 'input_audio_buffer.speech_started',
      event_id: 'e',
      audio_start_ms: 0,
      item_id: 'item_2',
    })
    const { item_id: item, audio_end_ms: heardMillis } = await remote.untilEvent('conversation.item.truncate')
    expect(item).toBe('item_1')
    // Whole frames, at least what was audible, and no more than there was time for.
    expect(heardMillis % 20).toBe(0)
    expect(heardMillis).toBeGreaterThan(0)
    expect(heardMillis).toBeLessThan(performance.now() - spokenAt)
    const view = await untilView(page, (v) => receivedTypes(v).includes('output_audio_buffer.cleared'))
    expect(receivedTypes(view)).not.toContain('output_audio_buffer.stopped')
  })

  test('go on when an event is larger than a browser takes, and the page is told', async () => {
    const { page, remote } = await talkToBackend()
    remote.socket.send(JSON.stringify({ type: 'vendor.tome', event_id: 'e', text: 'x'.repeat(300_000) }))
    remote.socket.send('{"type":"vendor.hint","event_id":"e"}')
    const view = await untilView(page, (v) => receivedTypes(v).includes('vendor.hint'))
    const errors = view.events.filter(({ event }) => event.type === 'error')
    expect(errors.map(({ event }) => event['error'])).toMatchObject([{ code: 'event_too_large' }])
  })

  test('part with a word when the server dies', async () => {
    const { page, remote } = await talkToBackend()
    remote.socket.terminate()
    const view = await untilView(page, ({ state }) => state === 'ended' || state === 'failed')
    const errors = view.events.filter(({ event }) => event.type === 'error')
    expect(errors.map(({ event }) => event['error'])).toMatchObject([{ code: 'backend_lost' }])
  })
})
