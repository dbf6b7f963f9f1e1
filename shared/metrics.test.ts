import { expect, test } from 'vitest'
import { formatMetrics, plainMetric, reasonCounter } from './metrics.ts'

test('writes help, type and one line per sample', () => {
  const metrics = [
    plainMetric('firsthop_relay_flows', 'gauge', 'Flows in the table.', 3),
    reasonCounter('firsthop_relay_drops_total', 'Datagrams dropped.', {
      'ufrag-forged': 2,
      'stun-truncated': 0,
    }),
  ]
  expect(formatMetrics(metrics)).toBe(`# HELP firsthop_relay_flows Flows in the table.
# TYPE firsthop_relay_flows gauge
firsthop_relay_flows 3
# HELP firsthop_relay_drops_total Datagrams dropped.
# TYPE firsthop_relay_drops_total counter
firsthop_relay_drops_total{reason="ufrag-forged"} 2
firsthop_relay_drops_total{reason="stun-truncated"} 0
`)
})

test('escapes what would end a label or a line', () => {
  const samples = [{ value: 1, labels: { path: 'C:\\a "b"\nc', region: 'eu' } }]
  const text = formatMetrics([{ name: 'm', help: 'a\\b\nc', type: 'gauge', samples }])
  expect(text.split('\n')).toEqual([
    '# HELP m a\\\\b\\nc',
    '# TYPE m gauge',
    'm{path="C:\\\\a \\"b\\"\\nc",region="eu"} 1',
    '',
  ])
})

test.each([
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
  [0.25, '0.25'],
])('writes %s as %s', (value, text) => {
  expect(formatMetrics([plainMetric('m', 'gauge', 'h', value)])).toContain(`\nm ${text}\n`)
})
