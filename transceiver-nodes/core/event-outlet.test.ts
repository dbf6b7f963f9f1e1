import { beforeEach, describe, expect, test } from 'vitest'
import type { Listener } from './audience.ts'
import { EventOutlet, MAX_WAITING_EVENTS, malformedEventError } from './event-outlet.ts'

let sent: { type: string; [field: string]: unknown }[]
let unsent: number
/** Longer texts do not fit the client's channel. */
let maxLength: number
let outlet: EventOutlet

beforeEach(() => {
  sent = []
  unsent = 0
  maxLength = 1_000
  outlet = new EventOutlet({
    send: (text) => {
      if (text.length > maxLength) return false
      sent.push(JSON.parse(text) as (typeof sent)[number])
      return true
    },
    onUnsent: () => void unsent++,
    eventId: () => 'event_1',
  })
})

const types = () => sent.map(({ type }) => type)
const event = (type: string) => ({ type, event_id: 'event_0' })

describe('before the channel is open', () => {
  test('events wait for it, in order', () => {
    outlet.tell(event('session.created'))
    outlet.tell(event('response.created'))
    expect(sent).toEqual([])
    outlet.open()
    outlet.tell(event('response.done'))
    expect(types()).toEqual(['session.created', 'response.created', 'response.done'])
  })

  test('no more events wait than may', () => {
    for (let i = 0; i < MAX_WAITING_EVENTS + 2; i++) outlet.tell(event(`event.${i}`))
    expect(unsent).toBe(2)
    outlet.open()
    expect(types().at(-1)).toBe(`event.${MAX_WAITING_EVENTS - 1}`)
  })
})

test('a text is passed on as it came', () => {
  outlet.open()
  outlet.tell(event('response.done'), '{ "type":"response.done", "unknown":1 }')
  expect(sent).toEqual([{ type: 'response.done', unknown: 1 }])
})

test('a client is told of an event that is too large for it', () => {
  outlet.open()
  outlet.tell({ ...event('response.done'), filler: 'x'.repeat(maxLength) })
  expect(unsent).toBe(1)
  expect(sent).toMatchObject([{ type: 'error', error: { code: 'event_too_large' } }])
})

test('nothing is sent while a client has closed its channel, and what comes waits for the next', () => {
  outlet.open()
  outlet.close()
  outlet.tell(event('response.created'))
  expect([outlet.isOpen, types()]).toEqual([false, []])
  outlet.open()
  expect(types()).toEqual(['response.created'])
})

test('sidebands hear everything, also what the client does not, and then that the call is over', () => {
  const heard: string[] = []
  const listener: Listener = {
    handleEvent: (text) => heard.push((JSON.parse(text) as { type: string }).type),
    handleEnd: (reason) => heard.push(`end: ${reason}`),
  }
  expect(outlet.attach(listener)).toBe(true)
  outlet.tell(event('session.created'))
  outlet.open()
  maxLength = 10
  outlet.tell(event('response.done'))
  outlet.end('hang-up')
  outlet.tell(event('response.created'))
  expect(heard).toEqual(['session.created', 'response.done', 'end: hang-up'])
})

test('a message that is no event is answered in the shape of the API', () => {
  expect(malformedEventError('event-not-json', 'event_7')).toMatchObject({
    type: 'error',
    event_id: 'event_7',
    error: { type: 'invalid_request_error', code: 'event-not-json', param: null },
  })
})
