/** Data channels that save round trips: negotiated beforehand (`?dcid=`), and without SCTP's handshake (SNAP). */

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { metricsAt } from '../metrics.ts'
import { launchChromium } from './browser.ts'

let stack: Stack
let stock: Browser
let withSnap: Browser
let page: Page | undefined

beforeAll(async () => {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  stock = await launchChromium()
  withSnap = await launchChromium({ fieldTrials: 'WebRTC-Sctp-Snap/Enabled/' })
})
afterEach(async () => {
  await page?.close()
})
afterAll(async () => {
  await stock?.close()
  await withSnap?.close()
  await stack?.stop()
})

interface Placed {
  readonly hasOfferedInit: boolean
  readonly hasAnsweredInit: boolean
  /** The type of the first event, which the server sends before the client has said anything. */
  readonly first: string
  /** The type of the event that answers the client's first. */
  readonly reply: string
}

/** Places a call from a page of its own and exchanges events. */
async function place(browser: Browser, channelId: number | undefined): Promise<Placed> {
  page = await browser.newPage()
  await page.goto(stack.url)
  return page.evaluate(async (id) => {
    const connection = new RTCPeerConnection()
    connection.addTrack((await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks()[0]!)
    const channel =
      id === undefined
        ? connection.createDataChannel('oai-events')
        : connection.createDataChannel('oai-events', { negotiated: true, id })
    const events: string[] = []
    const waiting: ((type: string) => void)[] = []
    channel.addEventListener('message', ({ data }) => {
      const { type } = JSON.parse(data as string) as { type: string }
      events.push(type)
      waiting.shift()?.(type)
    })
    const next = () => new Promise<string>((resolve) => waiting.push(resolve))
    const first = next()
    await connection.setLocalDescription()
    const secret = (await (await fetch('/v1/realtime/client_secrets', { method: 'POST' })).json()) as {
      value: string
    }
    const offer = connection.localDescription?.sdp ?? ''
    const response = await fetch(`/v1/realtime/calls${id === undefined ? '' : `?dcid=${id}`}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret.value}`, 'content-type': 'application/sdp' },
      body: offer,
    })
    const answer = await response.text()
    await connection.setRemoteDescription({ type: 'answer', sdp: answer })
    const firstType = await first
    channel.send(JSON.stringify({ type: 'no.such.event' }))
    let reply = await next()
    while (reply !== 'error') reply = await next()
    connection.close()
    return {
      hasOfferedInit: offer.includes('a=sctp-init:'),
      hasAnsweredInit: answer.includes('a=sctp-init:'),
      first: firstType,
      reply,
    }
  }, channelId)
}

test.each([
  ['a channel opened in band', undefined],
  ['a channel negotiated beforehand', 4],
])('stock Chromium exchanges events on %s', async (_, channelId) => {
  expect(await place(stock, channelId)).toEqual({
    hasOfferedInit: false,
    hasAnsweredInit: false,
    first: 'session.created',
    reply: 'error',
  })
})

test.each([
  ['a channel opened in band', undefined],
  ['a channel negotiated beforehand', 4],
])('Chromium with SNAP exchanges events on %s, with no handshake of SCTP', async (_, channelId) => {
  expect(await place(withSnap, channelId)).toEqual({
    hasOfferedInit: true,
    hasAnsweredInit: true,
    first: 'session.created',
    reply: 'error',
  })
  const metrics = await metricsAt(stack.ports.transceiver.admin)
  const faults = Object.keys(metrics).filter((name) => /drops_total.*"(sctp|channel)-/.test(name))
  expect(faults).toEqual([])
})
