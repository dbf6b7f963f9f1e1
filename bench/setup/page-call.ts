/** One call of a browser, timed inside the page: from the offer to the first audio. */

import type { Browser } from 'playwright-core'

/** When the steps of a call's setup were done, in milliseconds since its offer was sent. */
export interface SetupTimes {
  /** The answer has been set: what follows is ICE, DTLS and SCTP. */
  readonly answer: number
  /** ICE and DTLS stand: the browser may send audio. */
  readonly connected: number
  /** The data channel is open. */
  readonly channel: number
  /** The first packet of the agent's audio has come. */
  readonly audio: number
}

/** How the page sets up its channel. */
export interface CallForm {
  /** The stream of a channel negotiated beforehand (`?dcid=`); undefined: it is opened in band. */
  readonly channelId: number | undefined
}

/** Places a call from a page of its own, hangs up and returns its times. */
export async function timeCall(browser: Browser, url: string, form: CallForm): Promise<SetupTimes> {
  const page = await browser.newPage()
  try {
    await page.goto(url)
    return await page.evaluate(callInPage, form.channelId ?? -1)
  } finally {
    await page.close()
  }
}

/** Runs in the page, so it names nothing outside itself. */
async function callInPage(channelId: number): Promise<SetupTimes> {
  const connection = new RTCPeerConnection()
  const media = await navigator.mediaDevices.getUserMedia({ audio: true })
  for (const track of media.getTracks()) connection.addTrack(track, media)
  const channel = connection.createDataChannel(
    'oai-events',
    channelId < 0 ? {} : { negotiated: true, id: channelId },
  )
  const secretResponse = await fetch('/v1/realtime/client_secrets', { method: 'POST' })
  const { value } = (await secretResponse.json()) as { value: string }
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
  await connection.setLocalDescription()
  const startedAt = performance.now()
  const response = await fetch(`/v1/realtime/calls${channelId < 0 ? '' : `?dcid=${channelId}`}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${value}`, 'content-type': 'application/sdp' },
    body: connection.localDescription?.sdp ?? '',
  })
  if (!response.ok) throw new Error(`the call was refused: ${await response.text()}`)
  await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  const answeredAt = performance.now()
  const times = await Promise.all([connected, opened, heard])
  connection.close()
  for (const track of media.getTracks()) track.stop()
  const [connectedAt, openedAt, heardAt] = times
  return {
    answer: answeredAt - startedAt,
    connected: connectedAt - startedAt,
    channel: openedAt - startedAt,
    audio: heardAt - startedAt,
  }
}
