/** Calls over passive TCP candidates: docs/tcp.md. Chromium, the whole local stack, and a network that drops UDP. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { metricsAt } from '../metrics.ts'
import { countsOf, launchChromium, receivedTypes, selectedPairOf, talk, untilView } from './browser.ts'
import type { PageView } from './browser.ts'
import { TcpOnlyNetwork } from './tcp-only-network.ts'

let stack: Stack
let browser: Browser
let page: Page | undefined

afterEach(async () => {
  await page?.close()
  await browser?.close()
  page = undefined
})

describe('a browser whose network drops UDP', () => {
  let network: TcpOnlyNetwork

  beforeAll(async () => {
    const ports = await freeStackPorts()
    const clientPorts = ports.relays.map(({ client }) => client)
    stack = await startStack({ ports, clientBind: '127.0.0.1', onLine: () => undefined })
    network = await TcpOnlyNetwork.open(stack.address, clientPorts)
  })
  afterAll(async () => {
    network?.close()
    await stack?.stop()
  })

  test('talks with the agent over TCP, in speech and on the data channel', async () => {
    browser = await launchChromium()
    page = await talk(browser, stack.url)
    const view = await untilView(page, isAnswered, 60_000)
    expect(await selectedPairOf(page)).toMatchObject({ protocol: 'tcp' })
    expect(network.datagrams).toBeGreaterThan(0)
    // The sentence came through, and so did greeting and answer: energy is what the decoder put out.
    const { energy, received, sent } = await countsOf(page)
    expect(energy).toBeGreaterThan(0.01)
    expect(Math.min(received, sent)).toBeGreaterThan(200)
    // The page asks for its path on the data channel, and is told.
    expect(view.path?.relay?.id).toMatch(/^relay-/)

    expect(await sumOf('firsthop_relay_tcp_connections')).toBeGreaterThan(0)
    expect(await sumOf('firsthop_relay_tcp_half_open')).toBe(0)
    expect(await sumOf('firsthop_relay_tcp_drops_total{reason="slow-reader"}')).toBe(0)
    await page.getByTestId('talk').click()
    await untilView(page, ({ state }) => state === 'ended')
    await vi.waitFor(async () => expect(await sumOf('firsthop_relay_tcp_connections')).toBe(0), 5_000)
    expect(await sumOf('firsthop_relay_flows')).toBe(0)
  })

  test('goes on through the other relay when the one that carries it dies', async () => {
    browser = await launchChromium({ repeatsSpeech: true })
    page = await talk(browser, stack.url)
    const before = await untilView(page, ({ path }) => path?.relay !== undefined)
    const carrying = stack.relays.find((relay) => relay.name === before.path?.relay?.id)
    await carrying?.kill()
    // Where the path leads now is told on the data channel, through the other relay.
    const after = await untilView(page, ({ path }) => path?.relay?.id !== before.path?.relay?.id)
    expect(after.state).toBe('connected')
    const { received } = await countsOf(page)
    await vi.waitFor(
      async () => expect((await countsOf(page!)).received).toBeGreaterThan(received + 20),
      10_000,
    )
    expect(await selectedPairOf(page)).toMatchObject({ protocol: 'tcp' })
    await carrying?.start()
  })
})

describe('a relay that offers UDP and TCP', () => {
  beforeAll(async () => {
    stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  })
  afterAll(() => stack?.stop())

  test.each([
    ['UDP', 'while it passes', false],
    ['TCP', 'when the machine’s policy forbids UDP', true],
  ])('carries a call over %s %s', async (transport, _, forbidsUdp) => {
    browser = await launchChromium({ forbidsUdp })
    page = await talk(browser, stack.url)
    await untilView(page, ({ path }) => path?.relay !== undefined)
    await vi.waitFor(async () => expect((await countsOf(page!)).received).toBeGreaterThan(50), 10_000)
    expect(await selectedPairOf(page)).toMatchObject({ protocol: transport.toLowerCase() })
  })
})

/** Whether the agent has heard a sentence out and finished its answer. */
function isAnswered(view: PageView): boolean {
  const types = receivedTypes(view)
  const stopped = types.indexOf('input_audio_buffer.speech_stopped')
  return stopped >= 0 && types.indexOf('output_audio_buffer.stopped', stopped) >= 0
}

/** The sum of a metric over the relays. */
async function sumOf(name: string): Promise<number> {
  const relays = await Promise.all(stack.ports.relays.map(({ admin }) => metricsAt(admin)))
  return relays.reduce((sum, metrics) => sum + (metrics[name] ?? NaN), 0)
}
