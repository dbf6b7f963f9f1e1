/**
 * How long a call is silent when something on its way dies: docs/benchmarks.md.
 *
 * Usage: node bench/failover/main.ts [--json] [--quick] [--only NAME,…]
 */

import { parseArgs } from 'node:util'
import { quantilesOf } from '../quantiles.ts'
import type { Quantiles } from '../quantiles.ts'
import type { GapSample } from './kills.ts'
import { betterPath, secondVip } from './chromium-scenarios.ts'
import { quiet, secondVipLight, vipMoved, withoutStore, withStore, workerDied } from './scenarios.ts'
import type { Effort, Scenario } from './scenarios.ts'

/** Gaps in milliseconds: of the worse direction of each call, and of either. */
interface Gaps extends Quantiles {
  readonly kills: number
  readonly samples: number
  readonly toClient: Quantiles
  readonly toTransceiver: Quantiles
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  quiet,
  withStore,
  withoutStore,
  workerDied,
  vipMoved,
  secondVipLight,
  secondVip,
}
const FULL: Effort = { kills: 20, calls: 5 }
const QUICK: Effort = { kills: 2, calls: 3 }

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, only: { type: 'string' } },
})
const effort = values.quick === true ? QUICK : FULL
const wanted = values.only?.split(',') ?? Object.keys(SCENARIOS)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const gapMillis: Record<string, Gaps> = {}
const apartMillis: Record<string, Quantiles> = {}
const beyondMillis: Record<string, Quantiles> = {}
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (!wanted.includes(name)) continue
  const samples = await scenario(effort)
  const gaps = gapsOf(samples)
  gapMillis[name] = gaps
  console.error(`${name}: p50 ${gaps.p50} ms, p99 ${gaps.p99} ms, max ${gaps.max} ms`)
  if (samples.every(({ apart }) => apart === 0)) continue
  apartMillis[name] = quantilesOf(samples.map(({ apart }) => apart))
  beyondMillis[name] = quantilesOf(samples.map((sample) => worst(sample) - sample.apart))
}

let better: { readonly movedAfterMillis: Quantiles; readonly lostPackets: number } | undefined
if (wanted.includes('betterPath') || values.only === undefined) {
  const samples = await betterPath(effort)
  gapMillis['betterPath'] = { ...gapsOf(samples), kills: 0 }
  better = {
    movedAfterMillis: quantilesOf(samples.map(({ movedAfter }) => movedAfter)),
    lostPackets: samples.reduce((sum, sample) => sum + sample.lostPackets, 0),
  }
  console.error(
    `betterPath: moved after ${better.movedAfterMillis.p50} ms, ${better.lostPackets} packets lost`,
  )
}

if (values.json === true) {
  const { withStore: processStartMillis, vipMoved: balancerDetectionMillis } = apartMillis
  console.log(
    JSON.stringify({
      gapMillis,
      processStartMillis,
      balancerDetectionMillis,
      beyondMillis,
      betterPath: better,
    }),
  )
} else {
  const row = ({ p50, p99, max, toClient, toTransceiver, kills, samples }: Gaps) => {
    return { p50, p99, max, 'to client': toClient.p50, 'to transceiver': toTransceiver.p50, kills, samples }
  }
  console.log('Silence in milliseconds, beyond the 20 ms between two packets')
  console.table(Object.fromEntries(Object.entries(gapMillis).map(([name, gaps]) => [name, row(gaps)])))
  console.log('Stated apart: the start of the process; the detection of the balancer')
  console.table(apartMillis)
  if (better !== undefined) console.log('Moved to a better path', better)
  console.log('Silence beyond what is stated apart')
  console.table(beyondMillis)
}

function gapsOf(samples: readonly GapSample[]): Gaps {
  return {
    ...quantilesOf(samples.map(worst)),
    kills: effort.kills,
    samples: samples.length,
    toClient: quantilesOf(samples.map(({ toClient }) => toClient)),
    toTransceiver: quantilesOf(samples.map(({ toTransceiver }) => toTransceiver)),
  }
}

function worst({ toClient, toTransceiver }: GapSample): number {
  return Math.max(toClient, toTransceiver)
}
