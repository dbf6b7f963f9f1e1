/** What Chromium learns when the media thread that carries its call is killed, and what it hears of its neighbour's. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isBatchSupported } from '#shared/platform/batch-support'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'
import { countsOf, launchChromium, talk, untilView, viewOf } from './browser.ts'

let browser: Browser
let stack: Stack

beforeAll(async () => {
  stack = await startStack({
    ports: await freeStackPorts(),
    onLine: () => undefined,
    transceiverThreads: 2,
    environment: { FIRSTHOP_FAULTS: 'true' },
  })
  browser = await launchChromium({ repeatsSpeech: true })
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
})

async function untilAudioFlows(page: Page): Promise<void> {
  const { received } = await countsOf(page)
  await until(async () => expect((await countsOf(page)).received).toBeGreaterThan(received + 20))
}

/** Waits until one of the calls has ended, and tells which. */
function untilOneEnds(pages: readonly Page[]): Promise<number> {
  return until(async () => {
    const views = await Promise.all(pages.map(viewOf))
    const index = views.findIndex(({ state }) => state === 'ended')
    expect(index).toBeGreaterThanOrEqual(0)
    return index
  })
}

/** Packets of the agent's that never came. */
function lossOf(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
    const reports = [...(await peerConnection.getStats()).values()]
    return reports.find(({ type }) => type === 'inbound-rtp').packetsLost as number
  })
}

test.runIf(isBatchSupported())(
  'a call learns within a moment that its thread has been killed, and its neighbour goes on unbroken',
  async () => {
    const pages = [await talk(browser, stack.url), await talk(browser, stack.url)]
    await Promise.all(pages.map(untilAudioFlows))
    const lossesBefore = await Promise.all(pages.map(lossOf))
    const killedAt = performance.now()
    process.kill(stack.transceiver.pid ?? 0, 'SIGUSR2')
    const ended = await untilOneEnds(pages)
    expect(performance.now() - killedAt).toBeLessThan(MOMENTS)
    const [first, second] = ended === 0 ? pages : pages.toReversed()
    await untilAudioFlows(second!)
    expect((await viewOf(second!)).state).toBe('connected')
    expect(await lossOf(second!)).toBe(lossesBefore[1 - ended])
    await until(async () => {
      const metrics = await metricsAt(stack.ports.transceiver.admin)
      expect(metrics['firsthop_transceiver_goodbyes_total']).toBe(1)
      expect(metrics['firsthop_transceiver_calls_ended_total{reason="thread-died"}']).toBe(1)
    })

    // Whoever calls again gets the thread that took the seat.
    await first!.getByTestId('talk').click()
    await untilView(first!, ({ state }) => state === 'connected')
    await untilAudioFlows(first!)
  },
)

/** Chromium alone would take five seconds to be worried and thirty to be sure. */
const MOMENTS = 2_000
