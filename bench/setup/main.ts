/**
 * `npm run bench:setup`: how long a call takes to stand, with Chromium, the Worker, a relay and the transceiver; and
 * how many round trips to the relay that is, counted through a network with a delay. docs/benchmarks.md.
 *
 * `--quick` places fewer calls; `--json` prints the figures as one JSON object on the last line.
 */

import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { launchChromium } from '../../tests/e2e/browser.ts'
import { DelayedNetwork } from '../network/delayed-network.ts'
import { quantilesOf } from '../quantiles.ts'
import type { Quantiles } from '../quantiles.ts'
import { timeCall } from './page-call.ts'
import type { CallForm, SetupTimes } from './page-call.ts'

/** Round trips after the answer: until Chromium may send audio, and until its channel is open. */
interface RoundTrips {
  readonly media: number
  readonly channel: number
  /** The same as measured, with what the machines themselves take. */
  readonly measured: { readonly media: number; readonly channel: number }
}

const IN_BAND: CallForm = { channelId: undefined }
const NEGOTIATED: CallForm = { channelId: 4 }

const { values } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } })
const calls = values.quick === true ? { local: 5, delayed: 3 } : { local: 20, delayed: 7 }

/** Long against what the machine itself takes, so that round trips can be counted. */
const ONE_WAY = 100
/** SCTP without a handshake: docs/sdp.md. */
const SNAP = 'WebRTC-Sctp-Snap/Enabled/'

const millis = await measureLocal()
const roundTrips = await measureRoundTrips()
if (values.json === true) console.log(JSON.stringify({ calls: calls.local, millis, roundTrips }))
else {
  console.log(`Milliseconds from the offer, ${calls.local} calls on this machine`)
  console.table(millis)
  console.log(`Round trips of ${2 * ONE_WAY} ms after the answer`)
  console.table(
    Object.fromEntries(
      Object.entries(roundTrips).map(([name, { media, channel, measured }]) => [
        name,
        { media, channel, 'media measured': measured.media, 'channel measured': measured.channel },
      ]),
    ),
  )
}

async function measureLocal(): Promise<Record<string, Quantiles>> {
  const stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  try {
    const times = await withBrowser({}, (browser) => timeCalls(browser, stack, IN_BAND, calls.local))
    const quantiles = (millisOf: (time: SetupTimes) => number) => quantilesOf(times.map(millisOf))
    return {
      answer: quantiles(({ answer }) => answer),
      connected: quantiles(({ connected }) => connected),
      channel: quantiles(({ channel }) => channel),
      audio: quantiles(({ audio }) => audio),
      connectedAfterAnswer: quantiles(({ answer, connected }) => connected - answer),
    }
  } finally {
    await stack.stop()
  }
}

async function measureRoundTrips(): Promise<Record<'stock' | 'negotiated' | 'snap', RoundTrips>> {
  const ports = await freeStackPorts()
  const stack = await startStack({ ports, clientBind: '127.0.0.1', onLine: () => undefined })
  const clientPorts = ports.relays.map(({ client }) => client)
  const network = await DelayedNetwork.open(stack.address, clientPorts, ONE_WAY)
  const measure = async (browser: Browser, form: CallForm) =>
    roundTripsOf(await timeCalls(browser, stack, form, calls.delayed))
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

/** Times calls one after the other; the first one warms everything up and does not count. */
async function timeCalls(
  browser: Browser,
  stack: Stack,
  form: CallForm,
  count: number,
): Promise<SetupTimes[]> {
  const times: SetupTimes[] = []
  for (let i = 0; i <= count; i++) times.push(await timeCall(browser, stack.url, form))
  return times.slice(1)
}

function roundTripsOf(times: readonly SetupTimes[]): RoundTrips {
  const measured = (step: 'connected' | 'channel') => {
    const { p50 } = quantilesOf(times.map((time) => time[step] - time.answer))
    return Math.round((100 * p50) / (2 * ONE_WAY)) / 100
  }
  const [media, channel] = [measured('connected'), measured('channel')]
  return { media: Math.round(media), channel: Math.round(channel), measured: { media, channel } }
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
