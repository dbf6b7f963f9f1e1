/** Headless Chromium with a recorded voice for a microphone, and what the page says of its call. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'

/** The page's read-only view of its call: workers/public/app/main.js. */
export interface PageView {
  readonly state: 'idle' | 'asking' | 'connecting' | 'connected' | 'ended' | 'failed'
  readonly marks: Readonly<Record<string, number>>
  readonly timeline: unknown
  readonly path: { readonly relay?: { readonly id: string; readonly region: string } } | undefined
  readonly stats: Readonly<Record<string, number | string | undefined>>
  readonly events: readonly { readonly direction: 'sent' | 'received'; readonly event: RealtimeEvent }[]
  readonly problem: { readonly code: string; readonly detail: string } | undefined
  readonly callPath: string | undefined
}

/** An event of the data channel. */
export interface RealtimeEvent {
  readonly type: string
  readonly [field: string]: unknown
}

const SPEECH = fileURLToPath(new URL('../audio/speech.wav', import.meta.url))

/** How Chromium is started. */
export interface ChromiumOptions {
  /** The microphone plays the speech sample again and again, instead of once. */
  readonly repeatsSpeech?: boolean
  /** WebRTC sends no UDP, as on managed machines that allow none. */
  readonly forbidsUdp?: boolean
  /** Experiments of WebRTC to turn on, as `--force-fieldtrials` has them. */
  readonly fieldTrials?: string
}

/** Starts Chromium with a recorded voice for a microphone. */
export function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path))
  if (executablePath === undefined)
    throw new Error('Chromium is not installed: node scripts/setup.mjs --tests')
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${SPEECH}${options.repeatsSpeech === true ? '' : '%noloop'}`,
      '--autoplay-policy=no-user-gesture-required',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-quic',
      '--no-first-run',
      ...(options.fieldTrials === undefined ? [] : [`--force-fieldtrials=${options.fieldTrials}`]),
      ...(options.forbidsUdp === true ? ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] : []),
    ],
  })
}

/** Opens the page and presses the talk button; resolves when the call is connected. */
export async function talk(browser: Browser, url: string, onlyCodec?: string): Promise<Page> {
  const page = await browser.newPage()
  await exposePeerConnection(page)
  if (onlyCodec !== undefined) await offerOnly(page, onlyCodec)
  await page.goto(url)
  await page.getByTestId('talk').click()
  const view = await untilView(page, ({ state }) => state === 'connected' || state === 'failed')
  if (view.state === 'failed')
    throw new Error(`the call failed: ${view.problem?.code} ${view.problem?.detail}`)
  return page
}

/** Reads the page's view of its call. */
export function viewOf(page: Page): Promise<PageView> {
  return page.evaluate(
    () => JSON.parse(JSON.stringify((window as unknown as { firsthop: unknown }).firsthop)) as never,
  )
}

/** Waits until the page's view satisfies `condition`; rejects after `timeoutMillis` with what it was last. */
export async function untilView(
  page: Page,
  condition: (view: PageView) => boolean,
  timeoutMillis = 20_000,
): Promise<PageView> {
  const deadline = performance.now() + timeoutMillis
  for (;;) {
    const view = await viewOf(page)
    if (condition(view)) return view
    if (performance.now() > deadline) {
      const types = view.events.map(({ direction, event }) => `${direction} ${event.type}`)
      throw new Error(`not reached; the page says: ${JSON.stringify({ ...view, events: types }, null, 1)}`)
    }
    await page.waitForTimeout(50)
  }
}

/** The types of the events that the page has received, in order. */
export function receivedTypes(view: PageView): string[] {
  return view.events.filter(({ direction }) => direction === 'received').map(({ event }) => event.type)
}

/** What the browser counts of the call: `getStats`, summed over the kinds that matter. */
export async function countsOf(page: Page): Promise<{ received: number; energy: number; sent: number }> {
  return page.evaluate(async () => {
    const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
    let [received, energy, sent] = [0, 0, 0]
    for (const report of (await peerConnection.getStats()).values()) {
      if (report.type === 'inbound-rtp') {
        received += report.packetsReceived
        energy += report.totalAudioEnergy ?? 0
      }
      if (report.type === 'outbound-rtp') sent += report.packetsSent
    }
    return { received, energy, sent }
  })
}

/** The transport and the relay's port of the candidate pair that the browser has selected. */
export async function selectedPairOf(page: Page): Promise<{ protocol: string; port: number }> {
  return page.evaluate(async () => {
    const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
    const stats = await peerConnection.getStats()
    const transport = [...stats.values()].find((report) => report.type === 'transport')
    const pair = stats.get(transport.selectedCandidatePairId)
    const [local, remote] = [stats.get(pair.localCandidateId), stats.get(pair.remoteCandidateId)]
    if (local.protocol !== remote.protocol) throw new Error('a pair of two transports')
    return { protocol: local.protocol, port: remote.port }
  })
}

/** The codecs of the call, by direction (`audio/opus`), and the mean payload that was sent. */
export async function codecsOf(
  page: Page,
): Promise<{ sent: string; received: string; bytes: number; packets: number }> {
  return page.evaluate(async () => {
    const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
    const stats = await peerConnection.getStats()
    const codecOf = (type: string) => {
      const stream = [...stats.values()].find((report) => report.type === type)
      return String(stats.get(stream?.codecId)?.mimeType)
    }
    const outbound = [...stats.values()].find((report) => report.type === 'outbound-rtp')
    const { bytesSent: bytes, packetsSent: packets } = outbound
    return { sent: codecOf('outbound-rtp'), received: codecOf('inbound-rtp'), bytes, packets }
  })
}

/** Lets the page offer no audio codec but this. */
async function offerOnly(page: Page, mimeType: string): Promise<void> {
  await page.addInitScript((only) => {
    // oxlint-disable-next-line typescript/unbound-method -- called on its connection below
    const { createOffer } = RTCPeerConnection.prototype
    RTCPeerConnection.prototype.createOffer = function (this: RTCPeerConnection) {
      const { codecs = [] } = RTCRtpReceiver.getCapabilities('audio') ?? {}
      for (const transceiver of this.getTransceivers()) {
        transceiver.setCodecPreferences(codecs.filter((codec) => codec.mimeType === only))
      }
      return Reflect.apply(createOffer, this, []) as never
    }
  }, mimeType)
}

/** Keeps the page's peer connection where `countsOf` finds it. */
async function exposePeerConnection(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const Original = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Original {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        ;(window as unknown as { peerConnection: RTCPeerConnection }).peerConnection = this
      }
    }
  })
}
