/**
 * How a session ends that may not go on, with real processes and Chromium: the transceiver that carries it is told to
 * leave (SIGTERM), or it has lasted as long as sessions may. docs/api.md, "The end of a session".
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CallsApi } from '../../scripts/call/api.ts'
import { Child } from '../../scripts/start/child.ts'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { offerVector } from '../offer-vectors.ts'
import { until } from '../until.ts'
import { countsOf, launchChromium, talk, untilView, viewOf } from './browser.ts'
import type { PageView, RealtimeEvent } from './browser.ts'

const DRAIN_SECONDS = 10
const MAX_SESSION_SECONDS = 8

let browser: Browser
let stack: Stack | undefined
let second: Child | undefined
const pages: Page[] = []

beforeAll(async () => {
  browser = await launchChromium({ repeatsSpeech: true })
})
afterEach(async () => {
  for (const page of pages.splice(0)) await page.close()
  await second?.stop()
  await stack?.stop()
  stack = second = undefined
})
afterAll(() => browser?.close())

async function start(environment: Record<string, string>): Promise<Stack> {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined, environment })
  return stack
}

/** A second transceiver beside that of the stack. */
async function startSecond({ environment }: Stack): Promise<void> {
  const [link, control, admin] = await freePorts(3)
  const own = {
    FIRSTHOP_NODE_ID: 'transceiver-2',
    FIRSTHOP_REGION: 'us-south',
    FIRSTHOP_LATITUDE: '32.8',
    FIRSTHOP_LONGITUDE: '-96.8',
    FIRSTHOP_CLUSTER: '1',
    FIRSTHOP_TRANSCEIVER: '2',
    FIRSTHOP_THREADS: '1',
    FIRSTHOP_LINK: `127.0.0.1:${link}`,
    FIRSTHOP_CONTROL: `127.0.0.1:${control}`,
    FIRSTHOP_CONTROL_URL: `http://127.0.0.1:${control}`,
    FIRSTHOP_ADMIN: `127.0.0.1:${admin}`,
  }
  second = new Child(
    'transceiver-2',
    process.execPath,
    ['transceiver-nodes/main.ts'],
    { ...environment, ...own },
    { readyUrl: `http://127.0.0.1:${admin}/readyz`, onLine: () => undefined, supervise: false },
  )
  await second.start()
}

async function talkTo({ url }: Stack): Promise<Page> {
  const page = await talk(browser, url)
  pages.push(page)
  await untilAudioFlows(page)
  return page
}

async function untilAudioFlows(page: Page): Promise<void> {
  const { received } = await countsOf(page)
  await until(async () => expect((await countsOf(page)).received).toBeGreaterThan(received + 20))
}

function untilReceived(page: Page, type: string, timeout?: number): Promise<PageView> {
  return untilView(page, (view) => receivedOf(view, type) !== undefined, timeout)
}

/** The last event of a type. */
function receivedOf({ events }: PageView, type: string): RealtimeEvent | undefined {
  return events.findLast(({ direction, event }) => direction === 'received' && event.type === type)?.event
}

/** The id of the transceiver that carries a page's call. */
async function transceiverOf(page: Page): Promise<string | undefined> {
  const view = await untilView(page, ({ path }) => stationOf(path)?.id !== undefined)
  return stationOf(view.path)?.id
}

function stationOf(path: unknown): { id?: string } | undefined {
  return (path as { transceiver?: { id?: string } } | undefined)?.transceiver
}

/** Waits for the process on a port to be gone. */
function untilGone(port: number): Promise<void> {
  return until(async () => {
    const socket = connect(port, '127.0.0.1')
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    expect(isThere).toBe(false)
  })
}

/** Places a call with an offer that never connects, and returns why it was refused. */
async function refusalOf({ url }: Stack): Promise<string> {
  const api = new CallsApi(url, undefined)
  await api.authorize()
  return api.placeCall(offerVector('chromium156')).then(
    () => 'placed',
    (error: Error) => error.message,
  )
}

test('a transceiver that is told to leave warns its calls, lets them talk on, and ends them with the reason', async () => {
  const running = await start({ FIRSTHOP_DRAIN_SECONDS: String(DRAIN_SECONDS) })
  const page = await talkTo(running)
  const toldAt = performance.now()
  process.kill(running.transceiver.pid ?? 0, 'SIGTERM')

  const warned = await untilReceived(page, 'firsthop.session.ending')
  const warning = receivedOf(warned, 'firsthop.session.ending')
  expect(warning).toMatchObject({ reason: 'server_draining' })
  expect(warning?.['seconds_left']).toBeGreaterThan(0)
  expect(warning?.['seconds_left']).toBeLessThanOrEqual(DRAIN_SECONDS)
  await untilAudioFlows(page)
  expect((await viewOf(page)).state).toBe('connected')
  expect(await refusalOf(running)).toMatch(/refused: 503/)

  const ended = await untilView(page, ({ state }) => state === 'ended')
  expect(performance.now() - toldAt).toBeGreaterThan(DRAIN_SECONDS * 1000)
  // The agent may still have said something in between.
  expect(receivedOf(ended, 'error')).toMatchObject({
    error: { type: 'server_error', code: 'server_draining' },
  })
  await untilGone(running.ports.transceiver.admin)
})

test('a call placed while a transceiver drains goes to the other, and outlives it', async () => {
  const running = await start({ FIRSTHOP_DRAIN_SECONDS: String(DRAIN_SECONDS) })
  const page = await talkTo(running)
  expect(await transceiverOf(page)).toBe('transceiver-1')
  await startSecond(running)
  process.kill(running.transceiver.pid ?? 0, 'SIGTERM')
  await untilReceived(page, 'firsthop.session.ending')
  // The Worker looks at the registry every few seconds.
  await until(async () => expect(await refusalOf(running)).toBe('placed'))
  const again = await talkTo(running)
  expect(await transceiverOf(again)).toBe('transceiver-2')
  await untilView(page, ({ state }) => state === 'ended')
  await untilGone(running.ports.transceiver.admin)
  await untilAudioFlows(again)
  const view = await viewOf(again)
  expect(view.state).toBe('connected')
  expect(receivedOf(view, 'firsthop.session.ending')).toBeUndefined()
})

test('a call that has lasted as long as it may is warned and ended with the reason', async () => {
  const running = await start({ FIRSTHOP_MAX_SESSION_SECONDS: String(MAX_SESSION_SECONDS) })
  const page = await talkTo(running)
  const warning = receivedOf(await untilReceived(page, 'firsthop.session.ending'), 'firsthop.session.ending')
  expect(warning).toMatchObject({ reason: 'session_expired' })
  expect(warning?.['seconds_left']).toBeLessThanOrEqual(MAX_SESSION_SECONDS)
  const ended = await untilView(page, ({ state }) => state === 'ended')
  expect(receivedOf(ended, 'error')).toMatchObject({
    error: { type: 'invalid_request_error', code: 'session_expired' },
  })
  // Whoever calls again has a session of his own.
  await page.getByTestId('talk').click()
  await untilView(page, ({ state }) => state === 'connected')
})
