/** The registry's records, the snapshot and the steering (`shared/fleet`): JSON that other processes wrote. */

import { fromUtf8, utf8 } from '#shared/bytes'
import { parseFleetRecord } from '#shared/fleet/record'
import { buildSnapshot } from '#shared/fleet/snapshot'
import { steer } from '#shared/fleet/steer'
import { FleetView } from '#shared/fleet/view'
import { epochSecondsOf } from '#shared/time'
import { Relay } from '../../../relay-nodes/core/relay.ts'
import { EPOCH, ROUTE_KEYS } from '../../../relay-nodes/test-packets.ts'
import { millisOf } from '#shared/time'
import { relayRecord, transceiverRecord } from '../../fleet-records.ts'
import { mustLeavePrototypeAlone, mutateJson, parseJson } from '../mutate-json.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const fleet: FuzzTarget = {
  name: 'fleet',
  maxBytes: 8_000,
  seeds: () => [utf8(JSON.stringify(RECORDS)), utf8(JSON.stringify(RECORDS.slice(0, 1))), utf8('[]')],
  repair: mutateJson,
  run(input) {
    const value = parseJson(fromUtf8(input) ?? '')
    if (value === undefined) return 'no-json'
    const records: unknown[] = Array.isArray(value) ? value : [value]
    for (const record of records.map(parseFleetRecord)) {
      if (typeof record === 'string') continue
      mustEqual(parseFleetRecord(JSON.parse(JSON.stringify(record))), record, 'a record read again differs')
    }
    const snapshot = buildSnapshot(records, NOW)
    const { relays, transceivers, rejectedByReason } = snapshot
    const rejected = Object.values(rejectedByReason).reduce((sum, count) => sum + count, 0)
    mustHold(relays.length + transceivers.length + rejected === records.length, 'records got lost')
    new FleetView().handleRecords(records, NOW)
    mustLeavePrototypeAlone()
    const unplaced = newRelay().handleUpstreams(transceivers, millisOf(0))
    const steering = steer({ continent: 'EU' }, snapshot)
    if (typeof steering === 'string') return steering
    mustHold(steering.relays.length <= 2 && steering.transceivers.length <= 3, 'too many choices')
    return unplaced > 0 ? 'steered-unplaced' : 'steered'
  },
}

const NOW = epochSecondsOf(1_000)

const RECORDS = [
  relayRecord({ id: 'a', linkPorts: [7_472] }, NOW),
  relayRecord({ id: 'b', region: 'elsewhere', draining: true }, NOW),
  transceiverRecord({ id: 'c' }, NOW),
  transceiverRecord({ id: 'd', transceiver: 2, sessions: 100 }, epochSecondsOf(NOW - 15)),
  transceiverRecord({ id: 'e', transceiver: 3 }, epochSecondsOf(NOW - 16)),
  { kind: 'balancer' },
]

function newRelay(): Relay {
  const config = { cookie: new Uint8Array(8), routeKeys: ROUTE_KEYS, listeners: 1, maxFlows: 1 }
  return new Relay({ ...config, hashKey: [0, 0] }, EPOCH, millisOf(0))
}
