/**
 * Records of healthy nodes, for tests that care about one or two of their fields.
 */

import type { RelayRecord, TransceiverRecord } from '#shared/fleet/record'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'

/** Returns a relay with room, at 0° N 0° E unless `fields` say otherwise. */
export function relayRecord(
  fields: Partial<RelayRecord> = {},
  now: EpochSeconds = epochSecondsOf(0),
): RelayRecord {
  return {
    ...NODE,
    kind: 'relay',
    id: 'relay',
    vips: [{ address: '203.0.113.1', udpPorts: [3478, 443], tcpPorts: [443] }],
    flows: 0,
    heartbeatAt: now,
    ...fields,
  }
}

/** Returns a transceiver with room, at 0° N 0° E unless `fields` say otherwise. */
export function transceiverRecord(
  fields: Partial<TransceiverRecord> = {},
  now: EpochSeconds = epochSecondsOf(0),
): TransceiverRecord {
  return {
    ...NODE,
    kind: 'transceiver',
    id: 'transceiver',
    cluster: 1,
    transceiver: 1,
    controlUrl: 'http://192.0.2.10:7480',
    sessions: 0,
    heartbeatAt: now,
    ...fields,
  }
}

const NODE = {
  region: 'null-island',
  latitude: 0,
  longitude: 0,
  link: { address: '192.0.2.10', port: 7471 },
  capacity: 100,
  draining: false,
  version: '0.1.0',
}
