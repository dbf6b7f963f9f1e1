/** `@openai/agents-realtime`, its unmodified browser bundle in Chromium, against the whole stack: docs/api.md. */

import { describe, expect, test } from 'vitest'
import { until } from '../until.ts'
import { testLibrary } from './library-test.ts'
import type { AgentsPage, AgentsView } from './pages/agents.ts'

const { connect, view, untilForgotten } = testLibrary<AgentsView>('agents')

describe('@openai/agents-realtime in a browser', () => {
  test('connects, and its session is the one that the agent describes', async () => {
    await connect()
    await seen('session.updated')
    expect(await view()).toMatchObject({ status: 'connected', errors: [] })
  })

  test('talks: what the user says is heard and answered', async () => {
    await connect('speaks')
    await seen('input_audio_buffer.speech_started', 'input_audio_buffer.committed', 'response.done')
    await seen('output_audio_buffer.stopped')
    const { transcripts, history, errors } = await view()
    expect(transcripts).toEqual([expect.stringMatching(/^I heard you/)])
    expect(history).toMatchObject([
      { role: 'user', content: [{ type: 'input_audio' }] },
      { role: 'assistant', content: [{ type: 'output_audio' }] },
    ])
    expect(errors).toEqual([])
  })

  test('calls a function tool, and hears what the tool has answered', async () => {
    const page = await connect()
    await page.evaluate(() => client.say('get_weather {"city":"Lisbon"}'))
    await until(async () => expect((await view()).toolCalls).toEqual([{ city: 'Lisbon' }]))
    await until(async () => expect((await view()).transcripts.at(-1)).toContain('eleven degrees and rain'))
    expect((await view()).told).toContain('agent_tool_end')
    expect((await view()).errors).toEqual([])
  })

  test('interrupts: the audio stops, and the item is cut to what was heard', async () => {
    const page = await connect()
    await page.evaluate(() => client.say('A long sentence, so that there is something left to interrupt.'))
    await seen('output_audio_buffer.started')
    await page.evaluate(() => client.interrupt())
    await seen('output_audio_buffer.cleared')
    expect((await view()).errors).toEqual([])
  })

  test('sends text, and hears it spoken', async () => {
    const page = await connect()
    await page.evaluate(() => client.say('The quick brown fox.'))
    await until(async () => expect((await view()).transcripts.at(-1)).toContain('quick brown fox'))
    await seen('output_audio_buffer.started', 'output_audio_buffer.stopped')
    expect((await view()).errors).toEqual([])
  })

  test('closes, and the transceiver forgets the call', async () => {
    const page = await connect()
    await page.evaluate(() => client.close())
    await untilForgotten()
  })
})

/** Waits until the server events of these types have come, in this order. */
async function seen(...wanted: string[]): Promise<void> {
  await until(async () => {
    const { types } = await view()
    let at = -1
    for (const type of wanted)
      expect((at = types.indexOf(type, at + 1)), `${type} among ${types.join(', ')}`).not.toBe(-1)
  })
}

/** In the page only. */
declare const client: AgentsPage
