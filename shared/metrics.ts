/**
 * Metrics as values, and their text for a scraper: the Prometheus exposition format, version 0.0.4.
 *
 * Counters and gauges only; whoever measures keeps plain numbers and builds the list when asked.
 */

export interface Metric {
  /** Snake case with a unit, `firsthop_relay_drops_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly MetricSample[]
}

export interface MetricSample {
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

/** Makes a metric that has one sample and no labels. */
export function plainMetric(name: string, type: Metric['type'], help: string, value: number): Metric {
  return { name, help, type, samples: [{ value }] }
}

/** Makes a counter with one sample per reason, the form of every drop and refusal. */
export function reasonCounter(
  name: string,
  help: string,
  countByReason: Readonly<Record<string, number>>,
): Metric {
  const samples = Object.entries(countByReason).map(([reason, value]) => ({ value, labels: { reason } }))
  return { name, help, type: 'counter', samples }
}

/** Writes `metrics` as the text of a scrape. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics.map(formatMetric).join('')
}

function formatMetric({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ value, labels }) => `${name}${formatLabels(labels)} ${formatValue(value)}\n`)
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function formatLabels(labels: MetricSample['labels']): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
