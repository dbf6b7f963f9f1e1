/** The contract table in docs/api.md names every event of the Realtime API, as the `openai` package has them. */

import { readFileSync } from 'node:fs'
import type { RealtimeClientEvent, RealtimeServerEvent } from 'openai/resources/realtime/realtime'
import { describe, expect, test } from 'vitest'
import { readClientEvent } from '#shared/realtime/client-events'
import type { ServerEventType } from '#shared/realtime/server-events'

type EventNames<Event extends { readonly type: string }> = Readonly<Record<Event['type'], true>>

/** It compiles only with every client event of the package, and with no other. */
const CLIENT_EVENTS: EventNames<RealtimeClientEvent> = {
  'session.update': true,
  'input_audio_buffer.append': true,
  'input_audio_buffer.commit': true,
  'input_audio_buffer.clear': true,
  'output_audio_buffer.clear': true,
  'conversation.item.create': true,
  'conversation.item.retrieve': true,
  'conversation.item.truncate': true,
  'conversation.item.delete': true,
  'response.create': true,
  'response.cancel': true,
}

/** The same for server events, and whether Firsthop itself ever sends them: the embedded agent, or the media edge. */
const SERVER_EVENTS: {
  readonly [Type in RealtimeServerEvent['type']]: Type extends ServerEventType ? 'sent' : 'never'
} = {
  'session.created': 'sent',
  'session.updated': 'sent',
  'conversation.created': 'never',
  'conversation.item.added': 'sent',
  'conversation.item.done': 'sent',
  'conversation.item.created': 'never',
  'conversation.item.retrieved': 'sent',
  'conversation.item.truncated': 'sent',
  'conversation.item.deleted': 'sent',
  'conversation.item.input_audio_transcription.delta': 'never',
  'conversation.item.input_audio_transcription.completed': 'sent',
  'conversation.item.input_audio_transcription.failed': 'never',
  'conversation.item.input_audio_transcription.segment': 'never',
  'input_audio_buffer.committed': 'sent',
  'input_audio_buffer.cleared': 'sent',
  'input_audio_buffer.speech_started': 'sent',
  'input_audio_buffer.speech_stopped': 'sent',
  'input_audio_buffer.timeout_triggered': 'sent',
  'input_audio_buffer.dtmf_event_received': 'never',
  'output_audio_buffer.started': 'sent',
  'output_audio_buffer.stopped': 'sent',
  'output_audio_buffer.cleared': 'sent',
  'response.created': 'sent',
  'response.output_item.added': 'sent',
  'response.output_item.done': 'sent',
  'response.content_part.added': 'sent',
  'response.content_part.done': 'sent',
  'response.output_audio_transcript.delta': 'sent',
  'response.output_audio_transcript.done': 'sent',
  'response.output_audio.delta': 'never',
  'response.output_audio.done': 'sent',
  'response.output_text.delta': 'sent',
  'response.output_text.done': 'sent',
  'response.function_call_arguments.delta': 'sent',
  'response.function_call_arguments.done': 'sent',
  'response.mcp_call_arguments.delta': 'never',
  'response.mcp_call_arguments.done': 'never',
  'response.mcp_call.in_progress': 'never',
  'response.mcp_call.completed': 'never',
  'response.mcp_call.failed': 'never',
  'response.done': 'sent',
  'mcp_list_tools.in_progress': 'never',
  'mcp_list_tools.completed': 'never',
  'mcp_list_tools.failed': 'never',
  'rate_limits.updated': 'sent',
  error: 'sent',
}

const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8')

/** The first cells of the table under a heading, and the cells after them. */
function rowsUnder(heading: string): Map<string, readonly string[]> {
  const section = page.split(`### ${heading}\n`)[1]?.split(/\n###? /)[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return new Map(
    rows.map((row) => {
      const [name = '', ...cells] = row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
      return [name.replaceAll('`', ''), cells]
    }),
  )
}

describe('the contract', () => {
  test.each([
    ['Client events', CLIENT_EVENTS],
    ['Server events', SERVER_EVENTS],
  ])('names exactly the %s of the openai package', (heading, events) => {
    expect([...rowsUnder(heading).keys()].toSorted()).toEqual(Object.keys(events).toSorted())
  })

  test('says of every event what becomes of it, in one of its words', () => {
    const rows = [...rowsUnder('Client events').values(), ...rowsUnder('Server events').values()]
    for (const [edge = '', agent = ''] of rows) {
      expect(edge).toMatch(/^(passed|served|sent|withheld|replaced)/)
      expect(agent).toMatch(/^(served|sent|never|media)/)
    }
  })

  test('says that an event is never sent exactly of those that are never sent', () => {
    for (const [type, [, agent = '']] of rowsUnder('Server events')) {
      const isSent = SERVER_EVENTS[type as RealtimeServerEvent['type']] === 'sent'
      expect(`${type}: ${agent.startsWith('never') ? 'never' : 'sent'}`).toBe(
        `${type}: ${isSent ? 'sent' : 'never'}`,
      )
    }
  })

  test('calls no client event served that the embedded agent does not know', () => {
    for (const type of Object.keys(CLIENT_EVENTS)) {
      const answer = readClientEvent({ type })
      // One that is known may lack fields; one that is not known fails by its type.
      if (answer.type === 'invalid_request_error') expect(answer.param).not.toBe('type')
    }
    expect(readClientEvent({ type: 'session.unknown' })).toMatchObject({ param: 'type' })
  })
})
