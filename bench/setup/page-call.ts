/** One call of a browser, timed inside the page: from the offer to the first audio. */

import type { Browser } from 'playwright-core'
import { untilQuiet } from './quiet-moment.ts'

/** When the steps of a call's setup were done, in milliseconds since its offer was sent. */
export interface SetupTimes {
  /** How long the offer took to make; over when the others begin. */
  readonly offer: number
  /** The answer has been set: what follows is ICE, DTLS and SCTP. */
  readonly answer: number
  /** ICE and DTLS stand: the browser may send audio. */
  readonly connected: number
  /** The data channel is open. */
  readonly channel: number
  /** The first packet of the agent's audio has come. */
  readonly audio: number
  /** Whether the machine had nothing else to do when the call began. */
  readonly isQuiet: boolean
  /** Where the time until `answer` went. */
  readonly parts: AnswerParts
}

/** The time from the offer to the answer, by who has it: milliseconds that add up to `answer`. */
export interface AnswerParts {
  /** The browser, from `fetch()` to the first byte of the request; a new connection, if there is none. */
  readonly send: number
  /** What lies between the browser and the Worker, both ways: sockets, and the development server's proxies. */
  readonly front: number
  /** The Worker itself, by its clock of whole milliseconds, without what it waits for the transceiver. */
  readonly worker: number
  /** What lies between the Worker and the transceiver, both ways. */
  readonly control: number
  /** The transceiver, from the head of the Worker's request to its answer. */
  readonly place: number
  /** The browser, from the answer's first byte until the page has all of it. */
  readonly receive: number
  /** The browser, in `setRemoteDescription`. */
  readonly apply: number
}

/** What a page calls with. */
export interface CallForm {
  /** The ephemeral key. */
  readonly key: string
  /** The stream of a channel negotiated beforehand (`?dcid=`); undefined: it is opened in band. */
  readonly channelId: number | undefined
  /** How long the page waits, doing nothing, before it calls. */
  readonly idleMillis: number
  /** Whether it then waits for a moment in which the machine has nothing else to do. */
  readonly waitsForQuiet: boolean
}

/** Places a call from a page of its own, hangs up and returns its times. */
export async function timeCall(browser: Browser, url: string, form: CallForm): Promise<SetupTimes> {
  const page = await browser.newPage()
  try {
    // Any document of the origin will do; this one has the Worker read nothing.
    await page.goto(`${url}/healthz`)
    await page.waitForTimeout(form.idleMillis)
    const isQuiet = form.waitsForQuiet && (await untilQuiet())
    const times = await page.evaluate(callInPage, { key: form.key, channelId: form.channelId ?? -1 })
    return { ...times, isQuiet }
  } finally {
    await page.close()
  }
}

/** Runs in the page, so it names nothing outside itself. */
async function callInPage({
  key,
  channelId,
}: {
  key: string
  channelId: number
}): Promise<Omit<SetupTimes, 'isQuiet'>> {
  const connection = new RTCPeerConnection()
  const media = await navigator.mediaDevices.getUserMedia({ audio: true })
  for (const track of media.getTracks()) connection.addTrack(track, media)
  const channel = connection.createDataChannel(
    'oai-events',
    channelId < 0 ? {} : { negotiated: true, id: channelId },
  )
  const timeOf = (target: EventTarget, event: string, isDone: () => boolean) =>
    new Promise<number>((resolve) => {
      target.addEventListener(event, () => isDone() && resolve(performance.now()))
    })
  const connected = timeOf(
    connection,
    'connectionstatechange',
    () => connection.connectionState === 'connected',
  )
  const opened = timeOf(channel, 'open', () => true)
  const heard = new Promise<number>((resolve) => {
    connection.addEventListener('track', ({ track }) => {
      track.addEventListener('unmute', () => resolve(performance.now()))
    })
  })
  const offeringAt = performance.now()
  await connection.setLocalDescription()
  const sdp = connection.localDescription?.sdp ?? ''
  const startedAt = performance.now()
  const response = await fetch(`/v1/realtime/calls${channelId < 0 ? '' : `?dcid=${channelId}`}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/sdp' },
    body: sdp,
  })
  if (!response.ok) throw new Error(`the call was refused: ${await response.text()}`)
  const answer = await response.text()
  const receivedAt = performance.now()
  await connection.setRemoteDescription({ type: 'answer', sdp: answer })
  const answeredAt = performance.now()
  const [connectedAt, openedAt, heardAt] = await Promise.all([connected, opened, heard])
  connection.close()
  for (const track of media.getTracks()) track.stop()
  const [request] = performance
    .getEntriesByType('resource')
    .filter(({ name }) => name.includes('/v1/realtime/calls')) as PerformanceResourceTiming[]
  if (request === undefined) throw new Error('the browser did not time the request')
  const told = (name: string) => {
    const timing = request.serverTiming.find((one) => one.name === name)
    if (timing === undefined) throw new Error(`the Worker does not tell ${name}`)
    return timing.duration
  }
  return {
    offer: startedAt - offeringAt,
    answer: answeredAt - startedAt,
    connected: connectedAt - startedAt,
    channel: openedAt - startedAt,
    audio: heardAt - startedAt,
    parts: {
      send: request.requestStart - startedAt,
      front: request.responseStart - request.requestStart - told('worker'),
      worker: told('worker') - told('transceiver'),
      control: told('transceiver') - told('place'),
      place: told('place'),
      receive: receivedAt - request.responseStart,
      apply: answeredAt - receivedAt,
    },
  }
}
