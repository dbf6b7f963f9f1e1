/** An ICE restart in the middle of a call, with Chromium: new credentials and ports, the same keys and channel. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fromHex, toBase64Url, utf8 } from '#shared/bytes'
import { icePathOf } from '#shared/control/messages'
import { signRequest } from '#shared/control/signature'
import { epochNow } from '#shared/platform/clock'
import { hmacSha256, randomBytes, sha256 } from '#shared/platform/crypto'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { countsOf, launchChromium, talk, untilView } from './browser.ts'

let browser: Browser
let stack: Stack

beforeAll(async () => {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
  browser = await launchChromium({ repeatsSpeech: true })
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
})

/** Sends a fragment to the transceiver, as the Worker would. */
async function restartIce(callId: string, fragment: string): Promise<Response> {
  const mac = hmacSha256(fromHex(stack.environment['FIRSTHOP_CONTROL_KEY'] ?? '') ?? new Uint8Array(32))
  const body = utf8(JSON.stringify({ requestId: 'restart', fragment }))
  const path = icePathOf(callId)
  const subject = { node: 'transceiver-1', method: 'POST', path, body }
  const authorization = signRequest(subject, { mac, sha256 }, toBase64Url(randomBytes(16)), epochNow())
  const url = `http://127.0.0.1:${stack.ports.transceiver.control}${path}`
  return fetch(url, { method: 'POST', headers: { authorization }, body: body.slice() })
}

/** Has the browser offer a restart; returns the credentials that it offers. */
function offerRestart(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
    await peerConnection.setLocalDescription(await peerConnection.createOffer({ iceRestart: true }))
    const lines = peerConnection.localDescription?.sdp.split('\r\n') ?? []
    const [ufrag, pwd] = ['a=ice-ufrag:', 'a=ice-pwd:'].map((name) =>
      lines.find((line) => line.startsWith(name)),
    )
    return `${ufrag}\r\n${pwd}\r\n`
  })
}

/** Gives the browser its answer again with the credentials of the server's fragment. */
async function acceptRestart(page: Page, fragment: string): Promise<void> {
  await page.evaluate(async (text) => {
    const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
    const valueOf = (name: string) => text.split('\r\n').find((line) => line.startsWith(name)) ?? ''
    const sdp = (peerConnection.remoteDescription?.sdp ?? '')
      .replaceAll(/a=ice-ufrag:.*/g, valueOf('a=ice-ufrag:'))
      .replaceAll(/a=ice-pwd:.*/g, valueOf('a=ice-pwd:'))
    await peerConnection.setRemoteDescription({ type: 'answer', sdp })
  }, fragment)
}

test('keeps the call, its keys and its channel, and loses no packet', async () => {
  const page = await talk(browser, stack.url)
  const view = await untilView(page, ({ callPath }) => callPath !== undefined)
  const callId = view.callPath?.split('/').pop() ?? ''
  const offered = await offerRestart(page)
  const response = await restartIce(callId, offered)
  expect(response.status).toBe(200)
  const { fragment } = (await response.json()) as { fragment: string }
  expect(fragment).toContain('a=candidate:')
  await acceptRestart(page, fragment)
  const remoteUfrag = () =>
    page.evaluate(async () => {
      const { peerConnection } = window as unknown as { peerConnection: RTCPeerConnection }
      const reports = [...(await peerConnection.getStats()).values()]
      const transport = reports.find(({ type }) => type === 'transport')
      const pair = reports.find(({ id }) => id === transport.selectedCandidatePairId)
      const remote = reports.find(({ id }) => id === pair.remoteCandidateId)
      const lost = reports.find(({ type }) => type === 'inbound-rtp').packetsLost
      return { ufrag: remote.usernameFragment as string, lost: lost as number }
    })
  const deadline = performance.now() + 10_000
  while (!fragment.includes((await remoteUfrag()).ufrag)) {
    if (performance.now() > deadline) throw new Error('the browser does not use the new credentials')
    await page.waitForTimeout(50)
  }
  const { received } = await countsOf(page)
  while ((await countsOf(page)).received < received + 50) {
    if (performance.now() > deadline) throw new Error('no audio came')
    await page.waitForTimeout(50)
  }
  expect((await remoteUfrag()).lost).toBe(0)
  expect((await untilView(page, () => true)).state).toBe('connected')

  // The same credentials again restart nothing: they come with trickled candidates, which are ignored.
  expect((await restartIce(callId, `${offered}a=end-of-candidates\r\n`)).status).toBe(204)
  expect((await restartIce(callId, 'nonsense')).status).toBe(400)
  expect((await restartIce('rtc_unknown', offered)).status).toBe(404)
  await page.close()
})
