/** What the tests of a browser library stand on: the whole stack, Chromium, and a page that has the library in it. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launchChromium } from '../e2e/browser.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'
import { closePage, openPage } from './client-page.ts'
import type { ConnectingPage } from './client-page.ts'
import { startClientStack } from './client-stack.ts'
import type { ClientStack } from './client-stack.ts'
import { PageServer } from './page-server.ts'

/** The page of the test that is running. */
export interface LibraryTest<View> {
  /** Opens the page and places its call; unless it speaks, the user only writes. */
  connect(microphone?: 'speaks' | 'is silent'): Promise<Page>
  /** What the library has told its application so far. */
  view(): Promise<View>
  /** Resolves when the transceiver has no session left. */
  untilForgotten(): Promise<void>
}

/** Starts everything before the first test of the file, hangs up after each, and stops everything after the last. */
export function testLibrary<View>(pageName: string): LibraryTest<View> {
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
  return {
    async connect(microphone = 'is silent') {
      page = await openPage(browser, server.urlOf(pageName), stack, microphone)
      return page
    },
    view: () => page.evaluate(() => client.view() as View),
    untilForgotten: () =>
      until(async () => {
        const metrics = await metricsAt(stack.ports.transceiver.admin)
        expect(metrics['firsthop_transceiver_sessions']).toBe(0)
      }),
  }
}

/** In the page only. */
declare const client: ConnectingPage<unknown>
