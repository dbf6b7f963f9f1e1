/**
 * `npm run bench:setup`: how long a call takes to stand, with Chromium, the Worker, a relay and the transceiver; and
 * how many round trips to the relay that is, counted through a network with a delay. docs/benchmarks.md.
 *
 * `--quick` places fewer calls; `--json` prints the figures as one JSON object on the last line.
 */

import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { launchChromium } from '../../tests/e2e/browser.ts'
import { DelayedNetwork } from '../network/delayed-network.ts'
import { quantilesOf } from '../quantiles.ts'
import type { Quantiles } from '../quantiles.ts'
import { timeCall } from './page-call.ts'
import type { AnswerParts, CallForm, SetupTimes } from './page-call.ts'
import { startProductionWorker } from './production-worker.ts'
import type { ProductionWorker } from './production-worker.ts'

/** Milliseconds from the offer, and where those until the answer went. */
interface Figures {
  readonly calls: number
  /** How many of them began while the machine had nothing else to do. */
  readonly quietCalls: number
  readonly millis: Readonly<Record<Step | 'connectedAfterAnswer', Quantiles>>
  readonly answerParts: Readonly<Record<keyof AnswerParts, Quantiles>>
}

type Step = Exclude<keyof SetupTimes, 'parts' | 'isQuiet'>

/** Calls on this machine, by what they found. */
interface LocalFigures {
  /** The Worker's production bundle in workerd, calls one after the other. */
  readonly workerd: Figures
  /** The same calls through `wrangler dev`, as `npm start` has it. */
  readonly wranglerDev: Figures
  /** As `workerd`, each call after a pause in which nothing came. */
  readonly afterIdle: Figures
  /** As `workerd`, each call the first of a Worker that has just started. */
  readonly coldWorker: Figures
}

/** Round trips after the answer: until Chromium may send audio, and until its channel is open. */
interface RoundTrips {
  readonly media: number
  readonly channel: number
  /** The same as measured, with what the machines themselves take. */
  readonly measured: { readonly media: number; readonly channel: number }
}

const { values } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } })
const calls =
  values.quick === true
    ? { local: 5, afterIdle: 1, cold: 2, delayed: 3 }
    : { local: 20, afterIdle: 5, cold: 10, delayed: 7 }

/** Long against what the machine itself takes, so that round trips can be counted. */
const ONE_WAY = 100
/** SCTP without a handshake: docs/sdp.md. */
const SNAP = 'WebRTC-Sctp-Snap/Enabled/'
/** Longer than a snapshot of the fleet is used (docs/steering.md) and than workerd keeps a connection. */
const IDLE_MILLIS = 20_000
/** Between a page's opening and its call: opening it, and closing the one before, is work of the benchmark's own. */
const SETTLE_MILLIS = 500
const IN_BAND = { channelId: undefined, idleMillis: SETTLE_MILLIS, waitsForQuiet: false }
const NEGOTIATED = { ...IN_BAND, channelId: 4 }

const TITLES: Readonly<Record<keyof LocalFigures, string>> = {
  workerd: 'The production bundle of the Worker in workerd',
  wranglerDev: 'The same through wrangler dev, as npm start has it',
  afterIdle: `In workerd, each call after ${IDLE_MILLIS / 1_000} s without any`,
  coldWorker: 'In workerd, each call the first of a Worker just started',
}

const { workerd, ...others } = await measureLocal()
const roundTrips = await measureRoundTrips()
if (values.json === true) console.log(JSON.stringify({ ...workerd, ...others, roundTrips }))
else print({ workerd, ...others }, roundTrips)

async function measureLocal(): Promise<LocalFigures> {
  const stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  try {
    const [port = 0] = await freePorts(1)
    const secrets = { FIRSTHOP_SECRET_KEYS: `1:${'5e'.repeat(32)}`, FIRSTHOP_OPEN_DEMO: 'true' }
    const worker = await startProductionWorker(port, { ...stack.environment, ...secrets })
    try {
      return await withBrowser({}, (browser) => measureWorkers(browser, stack, worker))
    } finally {
      await worker.stop()
    }
  } finally {
    await stack.stop()
  }
}

async function measureWorkers(
  browser: Browser,
  stack: Stack,
  worker: ProductionWorker,
): Promise<LocalFigures> {
  const form = { ...IN_BAND, waitsForQuiet: true, key: await mintKey(worker.url) }
  const devForm = { ...form, key: await mintKey(stack.url) }
  const warm: SetupTimes[] = []
  const dev: SetupTimes[] = []
  const idle: SetupTimes[] = []
  const cold: SetupTimes[] = []
  // They take turns, so that what else the machine does meets both.
  for (let i = 0; i <= calls.local; i++) {
    warm.push(await timeCall(browser, worker.url, form))
    dev.push(await timeCall(browser, stack.url, devForm))
  }
  for (let i = 0; i < calls.afterIdle; i++) {
    idle.push(await timeCall(browser, worker.url, { ...form, idleMillis: IDLE_MILLIS }))
  }
  for (let i = 0; i < calls.cold; i++) {
    await worker.restart()
    cold.push(await timeCall(browser, worker.url, form))
  }
  return {
    // The first call of each warms everything up.
    workerd: figuresOf(warm.slice(1)),
    wranglerDev: figuresOf(dev.slice(1)),
    afterIdle: figuresOf(idle),
    coldWorker: figuresOf(cold),
  }
}

function figuresOf(times: readonly SetupTimes[]): Figures {
  const quantiles = (millisOf: (time: SetupTimes) => number) => quantilesOf(times.map(millisOf))
  const part = (name: keyof AnswerParts) => quantiles(({ parts }) => parts[name])
  return {
    calls: times.length,
    quietCalls: times.filter(({ isQuiet }) => isQuiet).length,
    millis: {
      offer: quantiles(({ offer }) => offer),
      answer: quantiles(({ answer }) => answer),
      connected: quantiles(({ connected }) => connected),
      channel: quantiles(({ channel }) => channel),
      audio: quantiles(({ audio }) => audio),
      connectedAfterAnswer: quantiles(({ answer, connected }) => connected - answer),
    },
    answerParts: {
      send: part('send'),
      front: part('front'),
      worker: part('worker'),
      control: part('control'),
      place: part('place'),
      receive: part('receive'),
      apply: part('apply'),
    },
  }
}

async function measureRoundTrips(): Promise<Record<'stock' | 'negotiated' | 'snap', RoundTrips>> {
  const ports = await freeStackPorts()
  const stack = await startStack({ ports, clientBind: '127.0.0.1', onLine: () => undefined })
  const clientPorts = ports.relays.map(({ client }) => client)
  const network = await DelayedNetwork.open(stack.address, clientPorts, ONE_WAY)
  const measure = async (browser: Browser, form: Omit<CallForm, 'key'>) => {
    const key = await mintKey(stack.url)
    const times: SetupTimes[] = []
    for (let i = 0; i <= calls.delayed; i++) times.push(await timeCall(browser, stack.url, { ...form, key }))
    // The first one warms everything up.
    return roundTripsOf(times.slice(1))
  }
  try {
    const [stock, negotiated] = await withBrowser(
      {},
      async (browser) => [await measure(browser, IN_BAND), await measure(browser, NEGOTIATED)] as const,
    )
    const snap = await withBrowser({ fieldTrials: SNAP }, (browser) => measure(browser, NEGOTIATED))
    return { stock, negotiated, snap }
  } finally {
    network.close()
    await stack.stop()
  }
}

function roundTripsOf(times: readonly SetupTimes[]): RoundTrips {
  const measured = (step: 'connected' | 'channel') => {
    const { p50 } = quantilesOf(times.map((time) => time[step] - time.answer))
    return Math.round((100 * p50) / (2 * ONE_WAY)) / 100
  }
  const [media, channel] = [measured('connected'), measured('channel')]
  return { media: Math.round(media), channel: Math.round(channel), measured: { media, channel } }
}

async function mintKey(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/realtime/client_secrets`, { method: 'POST' })
  if (!response.ok) throw new Error(`no key was minted: ${await response.text()}`)
  return ((await response.json()) as { value: string }).value
}

async function withBrowser<Result>(
  options: Parameters<typeof launchChromium>[0],
  use: (browser: Browser) => Promise<Result>,
): Promise<Result> {
  const browser = await launchChromium(options)
  try {
    return await use(browser)
  } finally {
    await browser.close()
  }
}

function print(local: LocalFigures, trips: Record<string, RoundTrips>): void {
  for (const [name, figures] of Object.entries(local) as [keyof LocalFigures, Figures][]) {
    console.log(
      `${TITLES[name]}: ${figures.calls} calls, ${figures.quietCalls} of them begun in quiet, milliseconds from the offer`,
    )
    console.table(figures.millis)
    console.log('of which until the answer')
    console.table(figures.answerParts)
  }
  console.log(`Round trips of ${2 * ONE_WAY} ms after the answer`)
  console.table(
    Object.fromEntries(
      Object.entries(trips).map(([name, { media, channel, measured }]) => [
        name,
        { media, channel, 'media measured': measured.media, 'channel measured': measured.channel },
      ]),
    ),
  )
}
