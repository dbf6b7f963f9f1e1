import { expect, test } from 'vitest'
import { EventLog, LOG_LIMIT, isFrequent, summarizeEvent } from './event-log.js'

test('keeps the last events and counts those it dropped', () => {
  const log = new EventLog()
  for (let at = 0; at < LOG_LIMIT + 20; at++) log.add({ direction: 'received', at, event: { type: 'x' } })
  expect(log.entries).toHaveLength(LOG_LIMIT)
  expect(log.entries[0]?.at).toBe(20)
  expect(log.dropped).toBe(20)
})

test('writes itself as JSON', () => {
  const log = new EventLog()
  log.add({ direction: 'sent', at: 12.5, event: { type: 'response.create', event_id: 'page_1' } })
  expect(JSON.parse(log.toJson())).toEqual(log.entries)
})

test('starts again when cleared', () => {
  const log = new EventLog()
  log.add({ direction: 'sent', at: 0, event: { type: 'x' } })
  log.clear()
  expect(log.entries).toEqual([])
})

test('calls deltas and path questions frequent, and nothing else', () => {
  expect(
    ['response.output_audio_transcript.delta', 'firsthop.path', 'firsthop.path.retrieve'].every(isFrequent),
  ).toBe(true)
  expect(['session.created', 'response.done', 'error'].some(isFrequent)).toBe(false)
})

test('summarizes an event by what tells it from others of its type', () => {
  expect(summarizeEvent({ type: 'error', error: { message: 'No such item' } })).toBe('No such item')
  expect(summarizeEvent({ type: 'response.done', response: { status: 'cancelled' } })).toBe('cancelled')
  expect(summarizeEvent({ type: 'conversation.item.truncated', audio_end_ms: 640 })).toBe('640 ms')
  expect(summarizeEvent({ type: 'input_audio_buffer.cleared' })).toBe('')
})
