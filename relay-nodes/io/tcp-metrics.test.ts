import { expect, test } from 'vitest'
import { formatMetrics } from '#shared/metrics'
import { TCP_END_REASONS, TcpConnections } from '../core/tcp-connections.ts'
import { tcpMetrics } from './tcp-metrics.ts'

test('tells what the ports have counted, and every reason from the first scrape on', () => {
  const limits = { maxConnections: 1, maxPerSource: 1, answerTimeout: 1, idleTimeout: 1 }
  const { endsByReason } = new TcpConnections(limits, [1, 2], () => {})
  const dropsByReason = { 'no-connection': 4, 'slow-reader': 5 }
  const failuresByCode = new Map([['EMFILE', 6]])
  const counts = { open: 2, halfOpen: 1, accepted: 3, endsByReason, dropsByReason, failuresByCode }
  const lines = formatMetrics(tcpMetrics(counts)).split('\n')
  expect(lines).toContain('firsthop_relay_tcp_connections 2')
  expect(lines).toContain('firsthop_relay_tcp_half_open 1')
  expect(lines).toContain('firsthop_relay_tcp_accepted_total 3')
  expect(lines).toContain('firsthop_relay_tcp_drops_total{reason="slow-reader"} 5')
  expect(lines).toContain('firsthop_relay_tcp_accept_failures_total{code="EMFILE"} 6')
  for (const reason of TCP_END_REASONS) {
    expect(lines).toContain(`firsthop_relay_tcp_ends_total{reason="${reason}"} 0`)
  }
})
