/** The metrics of a relay's bindings in the store, each command of which is billed: docs/recovery.md. */

import { plainMetric } from '#shared/metrics'
import type { Metric } from '#shared/metrics'
import type { Bindings } from './bindings.ts'

/** Builds the metrics of the bindings as they stand. */
export function bindingMetrics({ writer, reader, foundHere }: Bindings): Metric[] {
  const commands = { write: writer.writes, remove: writer.removes, read: reader.reads, all: reader.fullReads }
  const found = { process: foundHere, store: reader.found }
  return [
    {
      name: 'firsthop_relay_binding_commands_total',
      help: 'Commands sent to the store for bindings, failed ones included',
      type: 'counter',
      samples: Object.entries(commands).map(([command, value]) => ({ value, labels: { command } })),
    },
    {
      name: 'firsthop_relay_bindings_found_total',
      help: 'Flows found that a thread did not know, by where they were found',
      type: 'counter',
      samples: Object.entries(found).map(([where, value]) => ({ value, labels: { where } })),
    },
    plainMetric(
      'firsthop_relay_binding_failures_total',
      'counter',
      'Commands for bindings that failed',
      writer.failures + reader.failures,
    ),
    plainMetric(
      'firsthop_relay_binding_overflows_total',
      'counter',
      'Rows and look-ups given up because too many waited',
      writer.overflows + reader.overflows,
    ),
  ]
}
