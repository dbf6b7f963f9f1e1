/** The codecs that Chromium can be answered with: docs/audio.md. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { codecsOf, countsOf, launchChromium, receivedTypes, talk, untilView } from './browser.ts'

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
  expect(await bytesPerPacketOf(undefined)).toBeGreaterThan(1.6 * once)
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

/** The mean payload of the packets with which the user's sentence came. */
async function bytesPerPacketOf(onlyCodec: string | undefined): Promise<number> {
  const page = await talk(browser, stack.url, onlyCodec)
  pages.push(page)
  await untilView(page, (view) => receivedTypes(view).includes('input_audio_buffer.committed'), 60_000)
  return (await codecsOf(page)).bytesPerPacket
}
