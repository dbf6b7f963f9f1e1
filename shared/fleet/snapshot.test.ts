import { expect, test } from 'vitest'
import { epochSecondsOf } from '#shared/time'
import { relayRecord, transceiverRecord } from '../../tests/fleet-records.ts'
import { LEASE_SECONDS } from './record.ts'
import { buildSnapshot } from './snapshot.ts'

const NOW = epochSecondsOf(1_790_000_000)

test('sorts nodes by kind and id', () => {
  const { relays, transceivers } = buildSnapshot(
    [relayRecord({ id: 'b' }, NOW), transceiverRecord({ id: 't' }, NOW), relayRecord({ id: 'a' }, NOW)],
    NOW,
  )
  expect(relays.map(({ id }) => id)).toEqual(['a', 'b'])
  expect(transceivers.map(({ id }) => id)).toEqual(['t'])
})

test('drops records whose lease has ended, and those whose clock runs ahead by more than a lease', () => {
  const ages = [0, LEASE_SECONDS, LEASE_SECONDS + 1, -LEASE_SECONDS, -LEASE_SECONDS - 1]
  const records = ages.map((age) => relayRecord({ id: `age${age}` }, epochSecondsOf(NOW - age)))
  const { relays, rejectedByReason } = buildSnapshot(records, NOW)
  expect(relays.map(({ id }) => id)).toEqual(['age-15', 'age0', 'age15'])
  expect(rejectedByReason).toMatchObject({ 'record-expired': 1, 'record-from-future': 1 })
})

test('counts what it cannot read, by reason', () => {
  const { relays, rejectedByReason } = buildSnapshot(
    [null, {}, { kind: 'recorder' }, relayRecord({}, NOW)],
    NOW,
  )
  expect(relays).toHaveLength(1)
  expect(rejectedByReason).toEqual({
    'record-malformed': 2,
    'record-unknown-kind': 1,
    'record-expired': 0,
    'record-from-future': 0,
    'record-superseded': 0,
  })
})

test('keeps the younger of two records of one node', () => {
  const before = relayRecord({ flows: 1 }, epochSecondsOf(NOW - 5))
  const after = relayRecord({ flows: 2 }, NOW)
  for (const records of [
    [before, after],
    [after, before],
  ]) {
    const { relays, rejectedByReason } = buildSnapshot(records, NOW)
    expect(relays).toEqual([after])
    expect(rejectedByReason['record-superseded']).toBe(1)
  }
})

test('keeps the younger of two transceivers that one route would name', () => {
  const before = transceiverRecord({ id: 'crashed' }, epochSecondsOf(NOW - 9))
  const after = transceiverRecord({ id: 'restarted' }, NOW)
  const other = transceiverRecord({ id: 'other', transceiver: 8 }, NOW)
  expect(buildSnapshot([before, after, other], NOW).transceivers.map(({ id }) => id)).toEqual([
    'other',
    'restarted',
  ])
})

test('does not mix up a relay and a transceiver of one id', () => {
  const { relays, transceivers } = buildSnapshot(
    [relayRecord({ id: 'x' }, NOW), transceiverRecord({ id: 'x' }, NOW)],
    NOW,
  )
  expect([relays.length, transceivers.length]).toEqual([1, 1])
})
