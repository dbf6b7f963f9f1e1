/**
 * `npm run bench:latency`: the round trip that one relay thread adds at 10, 50 and 80 % of its own capacity,
 * against the C forwarder under the same packets, in one run. docs/benchmarks.md explains the method.
 *
 * `--quick` runs fewer rounds; `--json` prints the figures as one JSON object on the last line.
 */

import { openWorkshop, startContender } from '../relay/contenders.ts'
import type { Contender } from '../relay/contenders.ts'
import { capacityOf, FLOWS, paceRun } from './round-trips.ts'
import type { PacedRun, RoundTrips } from './round-trips.ts'

/** What is run in every round at every load. */
const SERIES = ['direct', 'relay', 'forwarder', 'directAtOwnLoad', 'forwarderAtOwnLoad'] as const
type Series = (typeof SERIES)[number]

const LOADS = [10, 50, 80] as const
const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 2 : 8
/** Of undisturbed time for each run; on a busy machine a run takes up to ten times as long. */
const millis = isQuick ? 150 : 250

const workshop = openWorkshop()
const contenders: Contender[] = []
const runsByKey = new Map<string, PacedRun[]>()
try {
  const relay = await startContender('relay', workshop, FLOWS)
  contenders.push(relay)
  const forwarder = await startContender('forwarder', workshop, FLOWS)
  contenders.push(forwarder)
  const capacity = { relay: await capacityOf(relay, millis), forwarder: await capacityOf(forwarder, millis) }
  for (let round = 0; round < rounds; round++) {
    for (const load of LOADS) {
      const rate = (capacity.relay * load) / 100
      const ownRate = (capacity.forwarder * load) / 100
      const runs: Record<Series, () => Promise<PacedRun>> = {
        direct: () => paceRun(relay, 'direct', rate, millis),
        relay: () => paceRun(relay, 'pace', rate, millis),
        forwarder: () => paceRun(forwarder, 'pace', rate, millis),
        directAtOwnLoad: () => paceRun(forwarder, 'direct', ownRate, millis),
        forwarderAtOwnLoad: () => paceRun(forwarder, 'pace', ownRate, millis),
      }
      for (const series of round % 2 === 0 ? SERIES : SERIES.toReversed()) {
        note(load, series, await runs[series]())
      }
    }
  }
  report(capacity)
} finally {
  await Promise.all(contenders.flatMap(({ load, process: child }) => [load.end(), child.end()]))
  workshop.remove()
}

function note(load: number, series: Series, run: PacedRun): void {
  const key = `${load} ${series}`
  runsByKey.set(key, [...(runsByKey.get(key) ?? []), run])
}

function report(capacity: { readonly relay: number; readonly forwarder: number }): void {
  const load = Object.fromEntries(LOADS.map((share) => [share, figuresOf(share, capacity.relay)]))
  const all = [...runsByKey.values()].flat()
  const total = (pick: (run: PacedRun) => number) => all.reduce((sum, run) => sum + pick(run), 0)
  const figures = {
    capacityPerSecond: { relay: Math.round(capacity.relay), forwarder: Math.round(capacity.forwarder) },
    load,
    p99VsCForwarder: load['50']?.p99VsCForwarder,
    p99VsCForwarderAtOwnLoad: load['50']?.p99VsCForwarderAtOwnLoad,
    undisturbedShare: round2(1 - total((run) => run.disturbed) / total((run) => run.slices)),
    lost: total((run) => run.lost),
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
  else printTable(figures)
}

/** Medians over the rounds, of what each series adds to the direct way at the same rate; ratios within a round. */
function figuresOf(load: number, capacity: number) {
  const ratioTo = (series: Series) => {
    const others = addedBy(load, series)
    return round2(median(addedBy(load, 'relay').map((own, i) => (own?.p99 ?? NaN) / (others[i]?.p99 ?? NaN))))
  }
  const added = (series: Series) => {
    const values = addedBy(load, series)
    const middle = (pick: (value: RoundTrips) => number) => {
      return round2(median(values.map((value) => (value === undefined ? NaN : pick(value)))))
    }
    return { p50: middle(({ p50 }) => p50), p99: middle(({ p99 }) => p99), p999: middle(({ p999 }) => p999) }
  }
  return {
    packetsPerSecond: Math.round((capacity * load) / 100),
    relay: added('relay'),
    forwarder: added('forwarder'),
    forwarderAtOwnLoad: added('forwarderAtOwnLoad'),
    directP50: round2(median(runsOf(load, 'direct').map(({ roundTrips }) => roundTrips?.p50 ?? NaN))),
    p99VsCForwarder: ratioTo('forwarder'),
    p99VsCForwarderAtOwnLoad: ratioTo('forwarderAtOwnLoad'),
  }
}

/** What a series adds to the median of the direct way at the same rate, round by round. */
function addedBy(load: number, series: Series): (RoundTrips | undefined)[] {
  const direct = series === 'forwarderAtOwnLoad' ? 'directAtOwnLoad' : 'direct'
  const base = median(runsOf(load, direct).map(({ roundTrips }) => roundTrips?.p50 ?? NaN))
  return runsOf(load, series).map(({ roundTrips }) => {
    if (roundTrips === undefined) return undefined
    const { p50, p99, p999 } = roundTrips
    return { p50: p50 - base, p99: p99 - base, p999: p999 - base }
  })
}

function runsOf(load: number, series: Series): readonly PacedRun[] {
  return runsByKey.get(`${load} ${series}`) ?? []
}

function printTable(figures: { readonly load: Record<string, ReturnType<typeof figuresOf>> }): void {
  console.log('microseconds added to the round trip, beyond the direct way; medians of', rounds, 'rounds\n')
  const rows = Object.entries(figures.load).flatMap(([load, { relay, forwarder, forwarderAtOwnLoad }]) => [
    [`relay, ${load} %`, relay],
    [`forwarder, same packets`, forwarder],
    [`forwarder, ${load} % of its own`, forwarderAtOwnLoad],
  ])
  for (const [name, { p50, p99, p999 }] of rows as [string, RoundTrips][]) {
    console.log(name.padEnd(28), [p50, p99, p999].map((value) => value.toFixed(1).padStart(9)).join(''))
  }
  console.log(`\n${JSON.stringify(figures, undefined, 2)}`)
}

/** The median of those that are numbers. */
function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
