/** What a call does when the relay that carries it is killed: stock Chromium, no signaling. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack, StackPorts } from '../../scripts/start/stack.ts'
import { countsOf, launchChromium, talk, untilView } from './browser.ts'

let browser: Browser
let stack: Stack | undefined
let page: Page | undefined

beforeAll(async () => {
  browser = await launchChromium({ repeatsSpeech: true })
})
afterEach(async () => {
  await page?.close()
  await stack?.stop()
})
afterAll(() => browser?.close())

async function callThrough(ports: StackPorts): Promise<{ stack: Stack; page: Page }> {
  stack = await startStack({ ports, onLine: () => undefined })
  page = await talk(browser, stack.url)
  await untilAudioFlows(page)
  return { stack, page }
}

/** Waits until twenty more packets have come, which is less than half a second of a call. */
async function untilAudioFlows(on: Page, timeoutMillis = 10_000): Promise<void> {
  const { received } = await countsOf(on)
  const deadline = performance.now() + timeoutMillis
  while ((await countsOf(on)).received < received + 20) {
    if (performance.now() > deadline) throw new Error('no audio came')
    await on.waitForTimeout(50)
  }
}

/** Waits until no packet has come for a while, so that what comes later came after the death. */
async function untilAudioStops(on: Page): Promise<void> {
  for (let last = -1; ;) {
    const { received } = await countsOf(on)
    if (received === last) return
    last = received
    await on.waitForTimeout(200)
  }
}

test('comes back without signaling when the only relay is killed and started again', async () => {
  const ports = await freeStackPorts()
  const call = await callThrough({ ...ports, relays: ports.relays.slice(0, 1) })
  const requests: string[] = []
  call.page.on('request', (request) => requests.push(request.url()))
  await call.stack.relays[0]?.kill()
  await untilAudioStops(call.page)
  await call.stack.relays[0]?.start()
  await untilAudioFlows(call.page)
  expect(requests).toEqual([])
  expect((await untilView(call.page, () => true)).state).toBe('connected')
})

test('moves to the other relay when the one that carries it dies, and back when that one dies too', async () => {
  const call = await callThrough(await freeStackPorts())
  for (const _ of [1, 2]) {
    const before = await untilView(call.page, ({ path }) => path?.relay !== undefined)
    const carrying = call.stack.relays.find((relay) => relay.name === before.path?.relay?.id)
    await carrying?.kill()
    await untilAudioFlows(call.page)
    const after = await untilView(call.page, ({ path }) => path?.relay?.id !== before.path?.relay?.id)
    expect(after.state).toBe('connected')
    await carrying?.start()
    // The path through the relay that came back answers its next check within six seconds.
    await call.page.waitForTimeout(7000)
  }
})
