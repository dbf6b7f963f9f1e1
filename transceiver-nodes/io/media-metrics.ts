/** The metrics of a transceiver, from the counts of its engines: docs/transceiver.md, "Metrics". */

import { plainMetric, reasonCounter } from '#shared/metrics'
import type { Metric } from '#shared/metrics'
import { LATENESS_BOUNDS } from '../core/lateness.ts'
import type { Media } from './media.ts'

/** Returns the metrics; labels are reasons of closed unions and bounds, nothing else. */
export function mediaMetrics(media: Media): Metric[] {
  const { active, placed, endedByReason, drops, links, port, worstLateness, ticksByLateness, load } =
    media.counts
  return [
    plainMetric('firsthop_transceiver_sessions', 'gauge', 'Calls under way', active),
    plainMetric('firsthop_transceiver_calls_total', 'counter', 'Calls placed', placed),
    reasonCounter('firsthop_transceiver_calls_ended_total', 'Calls ended, by reason', endedByReason),
    reasonCounter('firsthop_transceiver_drops_total', 'Packets dropped, by reason', drops),
    plainMetric('firsthop_transceiver_links', 'gauge', 'Links that carry calls', links.watched),
    plainMetric('firsthop_transceiver_links_lost', 'gauge', 'Those that do not answer', links.lost),
    plainMetric('firsthop_transceiver_threads', 'gauge', 'Threads at work', media.threads),
    plainMetric('firsthop_transceiver_thread_deaths_total', 'counter', 'Threads that died', media.deaths),
    plainMetric(
      'firsthop_transceiver_goodbyes_total',
      'counter',
      'Clients told of the end of a thread that had died',
      media.goodbyes,
    ),
    plainMetric('firsthop_transceiver_load', 'gauge', 'The busiest thread, as a share of a core', load),
    plainMetric(
      'firsthop_transceiver_send_refusals_total',
      'counter',
      'Link datagrams that the system did not send',
      port.refused,
    ),
    plainMetric(
      'firsthop_transceiver_truncated_total',
      'counter',
      'Link datagrams that were too long',
      port.truncated,
    ),
    plainMetric(
      'firsthop_transceiver_kernel_drops_total',
      'counter',
      'Link datagrams that the kernel had no room for',
      port.kernelDrops,
    ),
    plainMetric(
      'firsthop_transceiver_tick_lateness_millis',
      'gauge',
      'How late the worst 20 ms tick of about the last second was',
      worstLateness,
    ),
    {
      name: 'firsthop_transceiver_ticks_total',
      type: 'counter',
      help: 'Ticks of the send clock, by the milliseconds that they were late less than',
      samples: ticksByLateness.map((value, i) => ({
        value,
        labels: { late: String(LATENESS_BOUNDS[i] ?? 'Infinity') },
      })),
    },
  ]
}
