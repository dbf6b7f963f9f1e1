import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const complete = {
  FIRSTHOP_NODE_ID: 'relay-1',
  FIRSTHOP_REGION: 'eu-west',
  FIRSTHOP_LATITUDE: '50.1',
  FIRSTHOP_LONGITUDE: '8.7',
  FIRSTHOP_VIP: '203.0.113.7, 2001:DB8::7',
  FIRSTHOP_CLIENT_PORTS: '3478, 443',
  FIRSTHOP_LINK: '10.0.0.7:7471',
  FIRSTHOP_ADMIN: '127.0.0.1:7470',
  FIRSTHOP_ROUTE_KEYS: `0:${'ab'.repeat(16)}`,
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:8079',
  UPSTASH_REDIS_REST_TOKEN: 'secret',
}

test('reads a whole configuration', () => {
  expect(readConfig(complete)).toMatchObject({
    nodeId: 'relay-1',
    region: 'eu-west',
    latitude: 50.1,
    longitude: 8.7,
    vips: ['203.0.113.7', '2001:db8::7'],
    clientBind: '::',
    clientPorts: [3478, 443],
    tcpPorts: [],
    link: { address: '10.0.0.7', port: 7471 },
    admin: { address: '127.0.0.1', port: 7470 },
    store: { url: 'http://127.0.0.1:8079', token: 'secret' },
    drainSeconds: 0,
    logLevel: 'info',
  })
})

test('serves TCP on the ports that are listed', () => {
  expect(readConfig({ ...complete, FIRSTHOP_TCP_PORTS: '443,3478' }).tcpPorts).toEqual([443, 3478])
  expect(readConfig({ ...complete, FIRSTHOP_TCP_PORTS: '' }).tcpPorts).toEqual([])
})

test('names every variable that is missing, at once', () => {
  expect(mistakes({})).toEqual(Object.keys(complete).toSorted())
})

test.each([
  ['FIRSTHOP_NODE_ID', 'relay 1'],
  ['FIRSTHOP_REGION', 'x'.repeat(65)],
  ['FIRSTHOP_VIP', 'localhost'],
  ['FIRSTHOP_VIP', '0.0.0.0'],
  ['FIRSTHOP_VIP', '203.0.113.7,203.0.113.7'],
  ['FIRSTHOP_VIP', '203.0.113.7,203.0.113.8,203.0.113.9'],
  ['FIRSTHOP_CLIENT_BIND', 'eth0'],
  ['FIRSTHOP_CLIENT_PORTS', '0'],
  ['FIRSTHOP_CLIENT_PORTS', '65536'],
  ['FIRSTHOP_CLIENT_PORTS', '3478,'],
  ['FIRSTHOP_CLIENT_PORTS', '3478,3478'],
  ['FIRSTHOP_CLIENT_PORTS', '1,2,3,4,5'],
  ['FIRSTHOP_TCP_PORTS', '443,'],
  ['FIRSTHOP_TCP_PORTS', '1,2,3,4,5'],
  ['FIRSTHOP_LINK', '0.0.0.0:7471'],
  ['FIRSTHOP_LINK', '10.0.0.7'],
  ['FIRSTHOP_LOG_LEVEL', 'loud'],
  ['FIRSTHOP_DRAIN_SECONDS', '-1'],
])('refuses %s=%s', (name, value) => {
  expect(mistakes({ ...complete, [name]: value })).toEqual([name])
})

/** The variables that the mistakes name, in order. */
function mistakes(variables: Record<string, string>): string[] {
  try {
    readConfig(variables)
    return []
  } catch (error) {
    const names = (error as Error).message.split('\n').map((line) => line.split(' ', 1)[0] ?? '')
    return [...new Set(names)].toSorted()
  }
}
