/** A backend that takes Opus as it is (docs/backends.md, "Opus in binary messages"): the browser hears its own packets, which nobody has decoded. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { concatBytes } from '#shared/bytes'
import {
  AUDIO_FRAME_HEADER_BYTES,
  AUDIO_SUBPROTOCOL,
  AudioFrameView,
  writeAudioFrameHeader,
} from '#shared/realtime/audio-frame'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { metricsAt } from '../metrics.ts'
import { PART, turnOf } from '../realtime-turn.ts'
import { ScriptedBackend } from '../scripted-backend.ts'
import type { ScriptedConversation } from '../scripted-backend.ts'
import { until } from '../until.ts'
import { countsOf, launchChromium, receivedTypes, talk, untilView } from './browser.ts'

/** Five seconds: the speech sample and the pause behind it. */
const ECHOED_FRAMES = 250

let backend: ScriptedBackend
let stack: Stack
let browser: Browser

beforeAll(async () => {
  backend = await ScriptedBackend.start({ subprotocol: AUDIO_SUBPROTOCOL })
  stack = await startStack({
    ports: await freeStackPorts(),
    onLine: () => undefined,
    backend: { url: backend.url, takesOpus: true },
  })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
  await backend?.close()
})

test('a browser hears its own packets back, and nothing was coded anew', async () => {
  const page: Page = await talk(browser, stack.url)
  const remote = await backend.conversation()
  await until(() => expect(remote.frames.length).toBeGreaterThanOrEqual(ECHOED_FRAMES))
  const payloads = readMicrophone(remote).slice(0, ECHOED_FRAMES)
  expect((await countsOf(page)).energy).toBeLessThan(0.001)

  sayBack(remote, payloads)
  const view = await untilView(page, (v) => receivedTypes(v).includes('output_audio_buffer.stopped'))
  expect(receivedTypes(view)).not.toContain('firsthop.output_audio.part')
  expect((await countsOf(page)).energy).toBeGreaterThan(0.01)
  // Not one event carried audio, and nothing had to be dropped.
  expect(remote.texts.filter((text) => text.includes('input_audio_buffer.append'))).toEqual([])
  const metrics = await metricsAt(stack.ports.transceiver.admin)
  expect(Object.keys(metrics).filter((name) => name.includes('reason="backend-'))).toEqual([])
  await page.close()
})

/** The microphone's packets; a lost one is played as silence. */
function readMicrophone(remote: ScriptedConversation): Uint8Array[] {
  const view = new AudioFrameView()
  return remote.frames.map((frame, index) => {
    expect(view.read(frame)).toBeUndefined()
    expect(view).toMatchObject({ part: 0, durationMillis: 20, sequence: index & 0xffff })
    return view.isLost ? OPUS_SILENCE : Uint8Array.from(frame.subarray(view.payloadStart))
  })
}

function sayBack(remote: ScriptedConversation, payloads: readonly Uint8Array[]): void {
  const [created, item, part, , ...end] = turnOf(new Int16Array(0))
  if (created === undefined || item === undefined || part === undefined) throw new Error('no turn')
  remote.say(created, item, part)
  remote.socket.send(JSON.stringify({ type: 'firsthop.output_audio.part', part: 1, ...PART }))
  payloads.forEach((payload, sequence) => {
    const header = new Uint8Array(AUDIO_FRAME_HEADER_BYTES)
    writeAudioFrameHeader(header, false, 20, sequence, 1)
    remote.socket.send(concatBytes(header, payload))
  })
  remote.say(...end)
}

/** One frame of silence: 20 ms of fullband CELT, RFC 6716 section 3.1. */
const OPUS_SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe)
