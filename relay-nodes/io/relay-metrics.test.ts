import { expect, test } from 'vitest'
import { formatMetrics } from '#shared/metrics'
import { MAX_FRAME_HEADER_BYTES } from '#shared/link/frame'
import type { UdpPort } from '#shared/platform/udp-dgram'
import { millisOf } from '#shared/time'
import { UPLINK_DROP_REASONS } from '../core/drop-reasons.ts'
import { Relay } from '../core/relay.ts'
import { clientWords, EPOCH, ROUTE_KEYS, rtpPacket } from '../test-packets.ts'
import { portMetrics, relayMetrics } from './relay-metrics.ts'

test('tells what the core has counted, and every reason from the first scrape on', () => {
  const config = {
    cookie: new Uint8Array(8),
    routeKeys: ROUTE_KEYS,
    listeners: 1,
    maxFlows: 1,
    hashKey: [1, 2],
  } as const
  const relay = new Relay(config, EPOCH, millisOf(0))
  const memory = new Uint8Array(200)
  memory.set(rtpPacket(160), MAX_FRAME_HEADER_BYTES)
  relay.handleClientPacket(
    memory,
    MAX_FRAME_HEADER_BYTES,
    160,
    clientWords({ address: '192.0.2.1', port: 9 }),
    0,
  )
  const ports = portMetrics([port({ EMSGSIZE: 1 }), port({ EMSGSIZE: 2 })], port({}))
  const lines = formatMetrics([...relayMetrics(relay), ...ports]).split('\n')
  expect(lines).toContain('firsthop_relay_client_packets_total 1')
  expect(lines).toContain('firsthop_relay_drops_total{reason="unknown-flow"} 1')
  expect(lines).toContain('firsthop_relay_client_port_failures_total{code="EMSGSIZE"} 3')
  for (const reason of UPLINK_DROP_REASONS) expect(lines.join()).toContain(`{reason="${reason}"}`)
})

function port(failures: Record<string, number>): UdpPort {
  const endpoint = { address: '127.0.0.1', port: 1 }
  return {
    endpoint,
    failuresByCode: new Map(Object.entries(failures)),
    send: () => {},
    close: async () => {},
  }
}
