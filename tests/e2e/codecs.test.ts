/** The codecs that Chromium can be answered with: docs/audio.md. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { codecsOf, countsOf, launchChromium, receivedTypes, talk, untilView, viewOf } from './browser.ts'

let stack: Stack
let browser: Browser
let pages: Page[] = []

beforeAll(async () => {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  browser = await launchChromium()
})
afterEach(async () => {
  for (const page of pages) await page.close()
  pages = []
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
})

test('a browser that offers RED says everything twice', async () => {
  const once = await bytesPerPacketOf('audio/opus')
  expect(await bytesPerPacketOf(undefined)).toBeGreaterThan(1.5 * once)
})

test('a browser that offers G.711 only is heard and answered', async () => {
  const page = await talk(browser, stack.url, 'audio/PCMU')
  pages.push(page)
  await untilView(page, (view) => isAnswered(receivedTypes(view)), 60_000)
  expect(await codecsOf(page)).toMatchObject({ sent: 'audio/PCMU', received: 'audio/PCMU' })
  expect((await countsOf(page)).energy).toBeGreaterThan(0.01)
})

/** The turn of the user has ended, and the answer to it has been played. */
function isAnswered(types: readonly string[]): boolean {
  const committed = types.indexOf('input_audio_buffer.committed')
  return committed >= 0 && types.includes('output_audio_buffer.stopped', committed)
}

/** The mean payload of a packet in the loudest quarter of a second of the user's sentence: pauses have small ones. */
async function bytesPerPacketOf(onlyCodec: string | undefined): Promise<number> {
  const page = await talk(browser, stack.url, onlyCodec)
  pages.push(page)
  let last = await codecsOf(page)
  let most = 0
  while (!receivedTypes(await viewOf(page)).includes('input_audio_buffer.committed')) {
    const now = await codecsOf(page)
    if (now.packets - last.packets >= WINDOW_PACKETS) {
      most = Math.max(most, (now.bytes - last.bytes) / (now.packets - last.packets))
      last = now
    }
    await page.waitForTimeout(50)
  }
  return most
}

const WINDOW_PACKETS = 12
