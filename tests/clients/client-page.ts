/** A page of `tests/clients/pages` in Chromium, connected with a client secret that its server has asked for. */

import OpenAI from 'openai'
import type { Browser, Page } from 'playwright-core'
import type { ClientStack } from './client-stack.ts'

/** What every page can do. */
export interface ConnectingPage<View> {
  /** With a silent microphone the user only writes. */
  connect(callsUrl: string, apiKey: string, isSilent: boolean): Promise<void>
  close(): void
  view(): View
}

/** Opens the page at `url` and places its call. */
export async function openPage(
  browser: Browser,
  url: string,
  stack: ClientStack,
  microphone: 'speaks' | 'is silent',
): Promise<Page> {
  const openai = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.apiKey })
  const secret = await openai.realtime.clientSecrets.create({ session: { type: 'realtime' } })
  const page = await browser.newPage()
  await page.goto(url)
  await page.waitForFunction(() => 'client' in window)
  await page.evaluate(([calls, key, isSilent]) => client.connect(calls, key, isSilent), [
    `${stack.baseUrl}/realtime/calls`,
    secret.value,
    microphone === 'is silent',
  ] as const)
  return page
}

/** Hangs up, so that no call lingers until its consent expires, and closes the page. */
export async function closePage(page: Page | undefined): Promise<void> {
  await page?.evaluate(() => client.close())
  await page?.close()
}

/** In the page only. */
declare const client: ConnectingPage<unknown>
