/** The metrics of a relay's TCP client ports: docs/tcp.md. */

import { plainMetric, reasonCounter } from '#shared/metrics'
import type { Metric } from '#shared/metrics'
import type { TcpCounts } from './tcp-ports.ts'

/** Builds the metrics of the TCP ports as they stand. */
export function tcpMetrics(counts: TcpCounts): Metric[] {
  return [
    plainMetric('firsthop_relay_tcp_connections', 'gauge', 'TCP connections of clients', counts.open),
    plainMetric(
      'firsthop_relay_tcp_half_open',
      'gauge',
      'TCP connections that no transceiver has answered yet',
      counts.halfOpen,
    ),
    plainMetric('firsthop_relay_tcp_accepted_total', 'counter', 'TCP connections so far', counts.accepted),
    reasonCounter(
      'firsthop_relay_tcp_ends_total',
      'TCP connections ended or refused',
      Object.fromEntries(counts.endsByReason),
    ),
    reasonCounter(
      'firsthop_relay_tcp_drops_total',
      'Packets for clients on TCP that were not sent',
      counts.dropsByReason,
    ),
    {
      name: 'firsthop_relay_tcp_accept_failures_total',
      help: 'TCP connections that the system could not accept',
      type: 'counter',
      samples: [...counts.failuresByCode].map(([code, value]) => ({ value, labels: { code } })),
    },
  ]
}
