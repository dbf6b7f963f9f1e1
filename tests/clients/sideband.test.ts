/** `@openai/agents-realtime` on a server, unmodified: it joins a browser's call by its id (docs/api.md, "Sideband"). */

import { OpenAIRealtimeWebSocket } from '@openai/agents-realtime'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../e2e/browser.ts'
import { until } from '../until.ts'
import { closePage, openPage } from './client-page.ts'
import { startClientStack } from './client-stack.ts'
import type { ClientStack } from './client-stack.ts'
import { PageServer } from './page-server.ts'
import type { AgentsPage } from './pages/agents.ts'

let stack: ClientStack
let browser: Browser
let server: PageServer
let page: Page | undefined
let sideband: OpenAIRealtimeWebSocket | undefined

beforeAll(async () => {
  server = await PageServer.start()
  stack = await startClientStack()
  browser = await launchChromium()
})
afterEach(async () => {
  sideband?.close()
  await closePage(page)
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
  server?.stop()
})

describe('@openai/agents-realtime on a server', () => {
  test('joins a call, hears its events and speaks to its agent', async () => {
    const types = await join()
    sideband?.sendMessage('The quick brown fox.', {})
    await until(() => expect(types).toContain('response.done'))
    await until(async () => {
      const { transcripts } = await page!.evaluate(() => client.view())
      expect(transcripts.at(-1)).toContain('quick brown fox')
    })
  })

  test('is told when the browser leaves', async () => {
    await join()
    await page!.evaluate(() => client.close())
    await until(() => expect(sideband?.status).toBe('disconnected'))
  })
})

/** Places a call from the page, joins it, and returns the types of the server events as they come. */
async function join(): Promise<string[]> {
  const types: string[] = []
  page = await openPage(browser, server.urlOf('agents'), stack, 'is silent')
  const { callId } = await page.evaluate(() => client.view())
  sideband = new OpenAIRealtimeWebSocket({
    url: `${stack.baseUrl.replace('http', 'ws')}/realtime?call_id=${callId}`,
  })
  sideband.on('*', ({ type }) => types.push(type))
  await sideband.connect({ apiKey: stack.apiKey })
  return types
}

/** In the page only. */
declare const client: AgentsPage
