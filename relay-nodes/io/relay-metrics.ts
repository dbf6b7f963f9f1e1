/** The relay's metrics, from the counters of its core and the failures of its ports: docs/relay.md. */

import { plainMetric, reasonCounter } from '#shared/metrics'
import type { Metric } from '#shared/metrics'
import type { UdpPort } from '#shared/platform/udp-dgram'
import {
  DOWNLINK_BYTES,
  DOWNLINK_FORWARDED,
  FLOW_RECORDS_LOST,
  FLOWS_BOUND,
  FLOWS_CLOSED,
  FLOWS_EXPIRED,
  FLOWS_HELD,
  FLOWS_MOVED,
  FLOWS_REFRESHED,
  FLOWS_REFUSED,
  FLOWS_RESTORED,
  FLOWS_UNBOUND,
  FRAMES_RECEIVED,
  FRAMES_SILENT,
  LINK_RECEIVED,
  LOOKUPS,
  LOOKUPS_ABSENT,
  LOOKUPS_UNANSWERED,
  PINGS_ANSWERED,
  UPLINK_BYTES,
  UPLINK_FORWARDED,
  UPLINK_RECEIVED,
  UPSTREAMS_LOST,
} from '../core/counters.ts'
import { DROP_REASONS } from '../core/drop-reasons.ts'
import type { Relay } from '../core/relay.ts'

/** What a relay has counted, or several of them together. */
export type RelayCounts = Pick<Relay, 'counters' | 'drops' | 'flows' | 'upstreams'>

/** Builds the metrics of a relay as they stand. */
export function relayMetrics(relay: RelayCounts): Metric[] {
  const at = (index: number) => relay.counters[index] ?? 0
  return [
    plainMetric('firsthop_relay_flows', 'gauge', 'Flows kept', relay.flows),
    plainMetric('firsthop_relay_upstreams', 'gauge', 'Transceivers that packets may go to', relay.upstreams),
    byDirection(
      'firsthop_relay_forwarded_packets_total',
      'Packets forwarded',
      at(UPLINK_FORWARDED),
      at(DOWNLINK_FORWARDED),
    ),
    byDirection(
      'firsthop_relay_forwarded_bytes_total',
      'Bytes forwarded, without framing',
      at(UPLINK_BYTES),
      at(DOWNLINK_BYTES),
    ),
    plainMetric(
      'firsthop_relay_client_packets_total',
      'counter',
      'Packets that clients sent',
      at(UPLINK_RECEIVED),
    ),
    plainMetric(
      'firsthop_relay_link_datagrams_total',
      'counter',
      'Datagrams that came on the link',
      at(LINK_RECEIVED),
    ),
    plainMetric('firsthop_relay_link_frames_total', 'counter', 'Frames in them', at(FRAMES_RECEIVED)),
    plainMetric(
      'firsthop_relay_silent_frames_total',
      'counter',
      'Frames without a packet',
      at(FRAMES_SILENT),
    ),
    plainMetric(
      'firsthop_relay_pings_answered_total',
      'counter',
      'Pings of transceivers that were answered',
      at(PINGS_ANSWERED),
    ),
    plainMetric(
      'firsthop_relay_upstream_losses_total',
      'counter',
      'Transceivers with flows that stopped to answer pings',
      at(UPSTREAMS_LOST),
    ),
    labelled('firsthop_relay_flow_events_total', 'What became of flows', 'event', {
      bound: at(FLOWS_BOUND),
      refreshed: at(FLOWS_REFRESHED),
      moved: at(FLOWS_MOVED),
      unbound: at(FLOWS_UNBOUND),
      closed: at(FLOWS_CLOSED),
      expired: at(FLOWS_EXPIRED),
      refused: at(FLOWS_REFUSED),
      held: at(FLOWS_HELD),
      restored: at(FLOWS_RESTORED),
    }),
    labelled('firsthop_relay_lookups_total', 'Flows asked about, and what came of it', 'event', {
      asked: at(LOOKUPS),
      absent: at(LOOKUPS_ABSENT),
      unanswered: at(LOOKUPS_UNANSWERED),
    }),
    plainMetric(
      'firsthop_relay_flow_records_lost_total',
      'counter',
      'Flows bound or unbound that could not be told of',
      at(FLOW_RECORDS_LOST),
    ),
    reasonCounter(
      'firsthop_relay_drops_total',
      'Packets, datagrams and frames dropped',
      dropsByReason(relay),
    ),
  ]
}

/** Builds the metrics of the ports of the dgram shell. */
export function portMetrics(clientPorts: readonly UdpPort[], linkPort: UdpPort): Metric[] {
  return [
    labelled(
      'firsthop_relay_client_port_failures_total',
      'Failures of client ports',
      'code',
      failures(clientPorts),
    ),
    labelled(
      'firsthop_relay_link_port_failures_total',
      'Failures of the link port',
      'code',
      failures([linkPort]),
    ),
  ]
}

function byDirection(name: string, help: string, uplink: number, downlink: number): Metric {
  return labelled(name, help, 'direction', { uplink, downlink })
}

function labelled(
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, number>>,
): Metric {
  const samples = Object.entries(values).map(([text, value]) => ({ value, labels: { [label]: text } }))
  return { name, help, type: 'counter', samples }
}

function dropsByReason(relay: RelayCounts): Record<string, number> {
  return Object.fromEntries(DROP_REASONS.map((reason, i) => [reason, relay.drops[i] ?? 0]))
}

function failures(ports: readonly UdpPort[]): Record<string, number> {
  const countByCode: Record<string, number> = {}
  for (const { failuresByCode } of ports) {
    for (const [code, count] of failuresByCode) countByCode[code] = (countByCode[code] ?? 0) + count
  }
  return countByCode
}
