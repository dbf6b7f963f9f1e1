import { describe, expect, test } from 'vitest'
import type { FleetSnapshot } from '#shared/fleet/snapshot'
import { buildSnapshot } from '#shared/fleet/snapshot'
import { epochSecondsOf } from '#shared/time'
import { transceiverRecord } from '../tests/fleet-records.ts'
import { CallCap } from './call-cap.ts'

const NOW = epochSecondsOf(1_000)
const later = (seconds: number) => epochSecondsOf(NOW + seconds)
const key = (fields: { id?: string; maxCalls?: number } = {}) => ({
  id: 'web',
  sha256: new Uint8Array(32),
  ...fields,
})

/** Two transceivers whose records, written at `heartbeatAt`, count the calls of the key "web". */
function fleetWith(first: number, second: number, heartbeatAt = NOW): FleetSnapshot {
  const records = [first, second].map((calls, i) =>
    transceiverRecord({ id: `t${i}`, transceiver: i, callsByKey: { web: calls }, heartbeatAt }),
  )
  return buildSnapshot(records, heartbeatAt)
}

describe('CallCap', () => {
  test('adds up what all transceivers carry for a key', () => {
    const cap = new CallCap()
    expect(cap.hasRoom(key({ maxCalls: 4 }), fleetWith(2, 1), NOW)).toBe(true)
    expect(cap.hasRoom(key({ maxCalls: 3 }), fleetWith(2, 1), NOW)).toBe(false)
  })

  test('counts no key but the one that asks', () => {
    expect(new CallCap().hasRoom(key({ id: 'other', maxCalls: 1 }), fleetWith(9, 9), NOW)).toBe(true)
  })

  test('holds nobody back who has no cap', () => {
    expect(new CallCap().hasRoom(key(), fleetWith(9_999, 0), NOW)).toBe(true)
    expect(new CallCap().hasRoom(undefined, fleetWith(9_999, 0), NOW)).toBe(true)
  })

  test('counts a call placed here at once, and once only when the node says so itself', () => {
    const cap = new CallCap()
    cap.note(key({ maxCalls: 2 }), 't0', NOW)
    expect(cap.hasRoom(key({ maxCalls: 1 }), fleetWith(0, 0), NOW)).toBe(false)
    expect(cap.hasRoom(key({ maxCalls: 2 }), fleetWith(1, 0, later(5)), later(5))).toBe(true)
  })

  test('forgets a call of a node that has said nothing of it for a lease', () => {
    const cap = new CallCap()
    cap.note(key({ maxCalls: 1 }), 't0', NOW)
    expect(cap.hasRoom(key({ maxCalls: 1 }), fleetWith(0, 0), later(16))).toBe(true)
  })
})
