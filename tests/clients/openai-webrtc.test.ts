/** `openai/realtime/webrtc`, unmodified in Chromium: the application exchanges the SDP, the library does the rest. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../e2e/browser.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'
import { closePage, openPage } from './client-page.ts'
import { startClientStack } from './client-stack.ts'
import type { ClientStack } from './client-stack.ts'
import { PageServer } from './page-server.ts'
import type { WebRtcPage, WebRtcView } from './pages/openai-webrtc.ts'

let stack: ClientStack
let browser: Browser
let server: PageServer
let page: Page

beforeAll(async () => {
  server = await PageServer.start()
  stack = await startClientStack()
  browser = await launchChromium()
})
afterEach(() => closePage(page))
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
  server?.stop()
})

describe('openai/realtime/webrtc in a browser', () => {
  test('connects, and gets its session', async () => {
    await connect()
    await until(async () => expect((await view()).types).toContain('session.created'))
    expect(await view()).toMatchObject({ state: 'connected', errors: [] })
  })

  test('talks: what the user says is heard and answered', async () => {
    await connect('speaks')
    await until(async () =>
      expect((await view()).transcripts).toEqual([expect.stringMatching(/^I heard you/)]),
    )
    await until(async () => expect((await view()).types).toContain('output_audio_buffer.stopped'))
    expect((await view()).errors).toEqual([])
  })

  test('sends events of its own, and an unknown one costs it nothing but an error', async () => {
    await connect()
    await page.evaluate(() => client.send({ type: 'session.dance' }))
    await until(async () => expect((await view()).errors).toHaveLength(1))
    await page.evaluate(() => {
      const content = [{ type: 'input_text', text: 'The quick brown fox.' }]
      client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
      client.send({ type: 'response.create' })
    })
    await until(async () => expect((await view()).transcripts.at(-1)).toContain('quick brown fox'))
  })

  test('closes, and the transceiver forgets the call', async () => {
    await connect()
    await page.evaluate(() => client.close())
    await until(async () => {
      const metrics = await metricsAt(stack.ports.transceiver.admin)
      expect(metrics['firsthop_transceiver_sessions']).toBe(0)
    })
  })
})

async function connect(microphone: 'speaks' | 'is silent' = 'is silent'): Promise<void> {
  page = await openPage(browser, server.urlOf('openai-webrtc'), stack, microphone)
}

function view(): Promise<WebRtcView> {
  return page.evaluate(() => client.view())
}

/** In the page only. */
declare const client: WebRtcPage
