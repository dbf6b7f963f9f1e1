/**
 * `npm run bench:steering`: how far calls from the world's larger cities go over sets of 3, 6 and 12 regions, against
 * everything in one place, and what the loss of each region does. docs/steering.md explains the method.
 *
 * The real steering function, no randomness. `--json` prints the figures as one JSON object on the last line.
 */

import { cities } from './cities.ts'
import { oneRegion, regionSets } from './regions.ts'
import type { Region } from './regions.ts'
import { simulate } from './simulate.ts'
import type { Outcome } from './simulate.ts'

const reference = simulate(oneRegion)
const sets = regionSets.map((regions) => {
  const outcome = simulate(regions)
  const p50VsOneRegion = round2(outcome.roundTripMillis.p50 / reference.roundTripMillis.p50)
  return { regions: regions.length, ...outcome, p50VsOneRegion, ...lossOf(regions) }
})

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ cities: cities.length, oneRegion: reference, sets }))
} else {
  print('1', reference)
  for (const set of sets) {
    print(String(set.regions), set)
    const { region, roundTripMillis } = set.worstLoss
    console.log(
      `   without ${region}, the worst loss: p50 ${roundTripMillis.p50} ms, p95 ${roundTripMillis.p95} ms`,
    )
  }
}

/** Takes away one region after the other; the worst loss is the one after which the 95th percentile is largest. */
function lossOf(regions: readonly Region[]) {
  const losses = regions.map((lost) => {
    const { roundTripMillis, sharePercent } = simulate(regions.filter((region) => region !== lost))
    return { region: lost.name, roundTripMillis, sharePercent }
  })
  const worstLoss = losses.toSorted((a, b) => b.roundTripMillis.p95 - a.roundTripMillis.p95)[0]
  if (worstLoss === undefined) throw new Error('a set has no region')
  return { losses, worstLoss }
}

function print(
  regions: string,
  { distanceKm, roundTripMillis, fallbackRoundTripMillis, ...rest }: Outcome,
): void {
  const { p50, p95, max } = roundTripMillis
  console.log(`${regions} region(s): p50 ${distanceKm.p50} km, p95 ${distanceKm.p95} km`)
  console.log(
    `   round trip p50 ${p50} ms, p95 ${p95} ms, worst ${max} ms (second relay p50 ${fallbackRoundTripMillis.p50} ms)`,
  )
  console.log(`   nearest ${rest.nearestPercent} %, two regions ${rest.twoRegionsPercent} %`)
  console.log(
    `   ${Object.entries(rest.sharePercent)
      .map(([name, share]) => `${name} ${share} %`)
      .join(', ')}`,
  )
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
