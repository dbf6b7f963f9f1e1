import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CallPath } from './path.js'

const EVENT = {
  type: 'firsthop.path',
  relay: { id: 'relay-a', region: 'eu-west' },
  transceiver: { id: 'transceiver-a', region: 'eu-central' },
  client: { transport: 'udp' },
  roundTripMillis: 12.4,
  timeline: { offer: 0, answer: 4.2, firstCheck: null, connected: -1, surprise: 7 },
}

test('knows the relay from the headers before the server tells more', () => {
  const path = new CallPath()
  path.takeHeaders({ relay: 'relay-a', region: 'eu-west' })
  expect(path.relay).toEqual({ id: 'relay-a', region: 'eu-west' })
  expect(path.transceiver).toEqual({})
})

test('takes stations, transport, round trip and the marks that have happened', () => {
  const path = new CallPath()
  path.takeEvent(EVENT)
  expect(path).toMatchObject({
    relay: EVENT.relay,
    transceiver: EVENT.transceiver,
    transport: 'udp',
    roundTripMillis: 12.4,
  })
  expect(path.timeline).toEqual({ offer: 0, answer: 4.2 })
})

test('tells a move between relays that the server saw, not one from the relay that was offered first', () => {
  const path = new CallPath()
  path.takeHeaders({ relay: 'relay-a' })
  path.takeEvent({ ...EVENT, relay: { id: 'relay-b' } })
  expect(path.movedFrom).toBeUndefined()
  path.takeEvent(EVENT)
  expect(path.movedFrom).toBe('relay-b')
})

test('survives any event', () => {
  fc.assert(
    fc.property(
      fc.record({
        relay: fc.anything(),
        transceiver: fc.anything(),
        client: fc.anything(),
        timeline: fc.anything(),
      }),
      (event) => {
        const path = new CallPath()
        path.takeEvent(event)
        expect(['string', 'undefined']).toContain(typeof path.relay.id)
      },
    ),
  )
})
