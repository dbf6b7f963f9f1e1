/** The main job, whole: Chromium, the Worker in workerd, two relays, a transceiver, the demo agent. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { countsOf, launchChromium, receivedTypes, talk, untilView, viewOf } from './browser.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'

const FORWARDED = 'firsthop_relay_forwarded_packets_total{direction="uplink"}'

let stack: Stack
let browser: Browser
let page: Page | undefined

beforeAll(async () => {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  browser = await launchChromium()
})
afterEach(async () => {
  await page?.close()
  page = undefined
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
})

describe('a browser and the demo agent', () => {
  test('hear each other, through a relay and nothing else', async () => {
    page = await talk(browser, stack.url)
    const view = await untilView(page, (v) => isAnswered(receivedTypes(v)), 60_000)

    // The greeting and the answer were heard: energy is what the decoder put out, not what the page claims.
    const { energy, received, sent } = await countsOf(page)
    expect(energy).toBeGreaterThan(0.01)
    expect(received).toBeGreaterThan(200)
    expect(sent).toBeGreaterThan(200)

    const remote = String(view.stats['remote'])
    const relayPorts = stack.ports.relays.map(({ client }) => client)
    expect(relayPorts.some((port) => remote.includes(`:${port}`))).toBe(true)
    // Threads publish what they have counted once a second.
    await until(async () => {
      const relays = await Promise.all(stack.ports.relays.map(({ admin }) => metricsAt(admin)))
      expect(Math.max(...relays.map((metrics) => metrics[FORWARDED] ?? 0))).toBeGreaterThanOrEqual(sent)
    })
    const transceiver = await metricsAt(stack.ports.transceiver.admin)
    expect(transceiver['firsthop_transceiver_drops_total{reason="link-stranger"}'] ?? 0).toBe(0)
  })

  test('exchange the events of a turn in the order of the Realtime API', async () => {
    page = await talk(browser, stack.url)
    const view = await untilView(page, (v) => isAnswered(receivedTypes(v)), 60_000)
    const types = receivedTypes(view)
    expect(types[0]).toBe('session.created')
    const turn = types.slice(types.indexOf('input_audio_buffer.committed'))
    // Audio begins when the first sentence is spoken, while the events of the response go on.
    const positions = TURN_EVENTS.map((type) => turn.indexOf(type))
    expect(positions).not.toContain(-1)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(turn.indexOf('output_audio_buffer.started')).toBeGreaterThan(turn.indexOf('response.created'))
    for (const { event } of view.events.filter(({ direction }) => direction === 'received')) {
      expect(event['event_id']).toMatch(/^\w+/)
    }
  })

  test('part when the user hangs up, and the transceiver forgets the call', async () => {
    page = await talk(browser, stack.url)
    await page.getByTestId('talk').click()
    await untilView(page, ({ state }) => state === 'ended')
    const deadline = performance.now() + 5000
    for (;;) {
      const metrics = await metricsAt(stack.ports.transceiver.admin)
      if (metrics['firsthop_transceiver_sessions'] === 0) break
      expect(performance.now()).toBeLessThan(deadline)
      await page.waitForTimeout(50)
    }
    expect((await viewOf(page)).problem).toBeUndefined()
  })
})

/** A turn of the user has ended, and the answer to it has been played. */
function isAnswered(types: readonly string[]): boolean {
  const committed = types.indexOf('input_audio_buffer.committed')
  return committed >= 0 && types.includes('output_audio_buffer.stopped', committed)
}

/** What follows the end of the user's turn, in order: docs/backends.md. */
const TURN_EVENTS = [
  'input_audio_buffer.committed',
  'conversation.item.added',
  'conversation.item.done',
  'response.created',
  'response.output_item.added',
  'response.content_part.added',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'response.output_item.done',
  'response.done',
  'output_audio_buffer.stopped',
]
