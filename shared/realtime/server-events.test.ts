import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime'
import { expect, expectTypeOf, test } from 'vitest'
import { serverEvent } from './server-events.ts'
import type { ServerEvent, ServerEventType } from './server-events.ts'

/** The package's types leave out the nulls that the API sends (`transcript`, `conversation_id`, `transcription`). */
type WithoutNulls<TValue> = TValue extends readonly unknown[]
  ? { -readonly [Index in keyof TValue]: WithoutNulls<TValue[Index]> }
  : TValue extends object
    ? { -readonly [Key in keyof TValue]: WithoutNulls<Exclude<TValue[Key], null>> }
    : TValue

/** This compiles only if each event that Firsthop sends is one that the `openai` package knows. */
type Accepted = {
  [Type in ServerEventType]: WithoutNulls<ServerEvent<Type>> extends RealtimeServerEvent ? true : Type
}

test('sends only events that the openai package knows', () => {
  expectTypeOf<Accepted[ServerEventType]>().toEqualTypeOf<true>()
})

test('gives each event an id of its own', () => {
  let ids = 0
  const mintId = (prefix: string) => `${prefix}_${++ids}`
  expect(serverEvent('input_audio_buffer.cleared', {}, mintId)).toEqual({
    type: 'input_audio_buffer.cleared',
    event_id: 'event_1',
  })
  expect(serverEvent('conversation.item.deleted', { item_id: 'item_1' }, mintId)).toEqual({
    type: 'conversation.item.deleted',
    event_id: 'event_2',
    item_id: 'item_1',
  })
})
