/** `openai/realtime/webrtc`, unmodified in Chromium: the application exchanges the SDP, the library does the rest. */

import { describe, expect, test } from 'vitest'
import { until } from '../until.ts'
import { testLibrary } from './library-test.ts'
import type { WebRtcPage, WebRtcView } from './pages/openai-webrtc.ts'

const { connect, view, untilForgotten } = testLibrary<WebRtcView>('openai-webrtc')

describe('openai/realtime/webrtc in a browser', () => {
  test('connects, and gets its session', async () => {
    await connect()
    await until(async () => expect((await view()).types).toContain('session.created'))
    expect(await view()).toMatchObject({ state: 'connected', errors: [] })
  })

  test('talks: what the user says is heard and answered', async () => {
    await connect('speaks')
    await until(async () =>
      expect((await view()).transcripts).toEqual([expect.stringMatching(/^I heard you/)]),
    )
    await until(async () => expect((await view()).types).toContain('output_audio_buffer.stopped'))
    expect((await view()).errors).toEqual([])
  })

  test('sends events of its own, and an unknown one costs it nothing but an error', async () => {
    const page = await connect()
    await page.evaluate(() => client.send({ type: 'session.dance' }))
    await until(async () => expect((await view()).errors).toHaveLength(1))
    await page.evaluate(() => {
      const content = [{ type: 'input_text', text: 'The quick brown fox.' }]
      client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
      client.send({ type: 'response.create' })
    })
    await until(async () => expect((await view()).transcripts.at(-1)).toContain('quick brown fox'))
  })

  test('closes, and the transceiver forgets the call', async () => {
    const page = await connect()
    await page.evaluate(() => client.close())
    await untilForgotten()
  })
})

/** In the page only. */
declare const client: WebRtcPage
