import { expect, test } from 'vitest'
import { transceiverRecord } from '../../tests/fleet-records.ts'
import { epochSecondsOf } from '#shared/time'
import { mediaThreadsOf, ownsRoute } from './media-threads.ts'

const NOW = epochSecondsOf(0)
const LINK = { address: '10.0.0.9', port: 7481 }

test('numbers the threads of a transceiver from its own id on, one for each link port', () => {
  const record = transceiverRecord(
    { id: 'a', cluster: 3, transceiver: 16, link: LINK, linkPorts: [7482, 7490] },
    NOW,
  )
  expect(mediaThreadsOf(record)).toEqual([
    { cluster: 3, transceiver: 16, link: LINK },
    { cluster: 3, transceiver: 17, link: { ...LINK, port: 7482 } },
    { cluster: 3, transceiver: 18, link: { ...LINK, port: 7490 } },
  ])
})

test('takes a record without further ports for one thread', () => {
  const record = transceiverRecord({ id: 'a', cluster: 3, transceiver: 16, link: LINK }, NOW)
  expect(mediaThreadsOf(record)).toEqual([{ cluster: 3, transceiver: 16, link: LINK }])
})

test.each([
  [3, 15, false],
  [3, 16, true],
  [3, 18, true],
  [3, 19, false],
  [4, 16, false],
])('tells for cluster %i, transceiver %i whether the route leads there: %s', (cluster, transceiver, owns) => {
  const record = transceiverRecord({ id: 'a', cluster: 3, transceiver: 16, linkPorts: [7482, 7490] }, NOW)
  expect(ownsRoute(record, { cluster, transceiver })).toBe(owns)
})
