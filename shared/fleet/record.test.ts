import { expect, test } from 'vitest'
import { parseFleetRecord } from './record.ts'

const NODE = {
  id: 'node-1',
  region: 'eu-west',
  latitude: 53.3,
  longitude: -6.3,
  link: { address: '192.0.2.10', port: 7471 },
  capacity: 100,
  draining: false,
  version: '0.1.0',
  heartbeatAt: 1_790_000_000,
}
const RELAY = {
  ...NODE,
  kind: 'relay',
  vips: [{ address: '203.0.113.1', udpPorts: [3478, 443], tcpPorts: [443] }],
  flows: 3,
}
const TRANSCEIVER = {
  ...NODE,
  kind: 'transceiver',
  cluster: 4095,
  transceiver: 1_048_575,
  controlUrl: 'https://transceiver.example:7480',
  sessions: 0,
}

test.each([RELAY, TRANSCEIVER])('reads the record of a $kind', (record) => {
  expect(parseFleetRecord(record)).toEqual(record)
  expect(parseFleetRecord(JSON.parse(JSON.stringify(record)))).toEqual(record)
})

test('drops fields that a newer version may add', () => {
  expect(parseFleetRecord({ ...RELAY, colour: 'blue' })).toEqual(RELAY)
})

test('makes addresses canonical', () => {
  const record = { ...RELAY, vips: [{ address: '2001:DB8:0::1', udpPorts: [3478], tcpPorts: [] }] }
  expect(parseFleetRecord(record)).toMatchObject({ vips: [{ address: '2001:db8::1' }] })
})

test.each([
  ['no id', { ...RELAY, id: undefined }],
  ['an id with a space', { ...RELAY, id: 'node 1' }],
  ['a latitude beyond the pole', { ...RELAY, latitude: 90.1 }],
  ['a longitude that is not a number', { ...RELAY, longitude: NaN }],
  [
    'a VIP that is a name',
    { ...RELAY, vips: [{ address: 'relay.example', udpPorts: [3478], tcpPorts: [] }] },
  ],
  [
    'a VIP with a line break',
    { ...RELAY, vips: [{ address: '192.0.2.1\r\n', udpPorts: [3478], tcpPorts: [] }] },
  ],
  ['port 0', { ...RELAY, vips: [{ address: '192.0.2.1', udpPorts: [0], tcpPorts: [] }] }],
  ['five ports', { ...RELAY, vips: [{ address: '192.0.2.1', udpPorts: [1, 2, 3, 4, 5], tcpPorts: [] }] }],
  ['no VIP', { ...RELAY, vips: [] }],
  ['a fraction of a flow', { ...RELAY, flows: 0.5 }],
  ['a negative capacity', { ...RELAY, capacity: -1 }],
  ['a heartbeat as text', { ...RELAY, heartbeatAt: '1790000000' }],
  ['a cluster of 13 bits', { ...TRANSCEIVER, cluster: 4096 }],
  ['a transceiver of 21 bits', { ...TRANSCEIVER, transceiver: 1_048_576 }],
  ['a control URL of another scheme', { ...TRANSCEIVER, controlUrl: 'file:///etc/passwd' }],
  ['a control URL that is none', { ...TRANSCEIVER, controlUrl: 'https://' }],
  ['a relay that calls itself a transceiver', { ...RELAY, kind: 'transceiver' }],
  ['no object at all', 'relay'],
  ['nothing', null],
])('refuses a record with %s', (_, record) => {
  expect(parseFleetRecord(record)).toBe('record-malformed')
})

test('tells a kind of node that it does not know', () => {
  expect(parseFleetRecord({ ...RELAY, kind: 'recorder' })).toBe('record-unknown-kind')
})
