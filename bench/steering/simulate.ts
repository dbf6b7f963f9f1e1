/** Steers a call from every city over a set of regions, and says how far the calls had to go. */

import type { RelayRecord, TransceiverRecord } from '#shared/fleet/record'
import { distanceKm } from '#shared/fleet/geo'
import { buildSnapshot } from '#shared/fleet/snapshot'
import { steer } from '#shared/fleet/steer'
import { epochSecondsOf } from '#shared/time'
import { cities } from './cities.ts'
import type { City } from './cities.ts'
import type { Region } from './regions.ts'

/** How the calls of the whole world fared; everything is weighed by population. */
export interface Outcome {
  readonly distanceKm: Quantiles
  readonly roundTripMillis: Quantiles
  /** The round trip over the second relay of the answer, when the first is lost. */
  readonly fallbackRoundTripMillis: Quantiles
  /** Percent of the calls whose first relay is in each region. */
  readonly sharePercent: Readonly<Record<string, number>>
  /** Percent of the calls that got the nearest region there is, found by comparing them all. */
  readonly nearestPercent: number
  /** Percent of the calls whose second relay is in another region. */
  readonly twoRegionsPercent: number
}

/** The median, the 95th percentile and the worst. */
export interface Quantiles {
  readonly p50: number
  readonly p95: number
  readonly max: number
}

/** Steers a call from every city over `regions`. */
export function simulate(regions: readonly Region[]): Outcome {
  const fleet = buildSnapshot(regions.flatMap(nodesOf), NOW)
  const regionOf = (name: string) => regions.find((region) => region.name === name) as Region
  const calls = cities.map((city): SteeredCall => {
    const steering = steer({ coordinates: city }, fleet)
    if (typeof steering === 'string') throw new Error(`${city.name} got no call: ${steering}`)
    const [first, second = first] = steering.relays.map((relay) => regionOf(relay.region))
    if (first === undefined) throw new Error(`${city.name} got no relay`)
    return { city, first, second: second ?? first }
  })
  return describe(calls, regions)
}

/** Estimates a round trip in milliseconds. */
export function estimateRoundTrip(distance: number): number {
  return ACCESS_MILLIS + (2 * distance * DETOUR) / FIBRE_KM_PER_MILLI
}

interface SteeredCall {
  readonly city: City
  readonly first: Region
  readonly second: Region
}

function describe(calls: readonly SteeredCall[], regions: readonly Region[]): Outcome {
  const share = (test: (call: SteeredCall) => boolean) => sharePercentOf(calls, test)
  const nearest = (city: City) => Math.min(...regions.map((region) => distanceKm(city, region)))
  return {
    distanceKm: quantilesOf(calls, ({ city, first }) => distanceKm(city, first)),
    roundTripMillis: quantilesOf(calls, ({ city, first }) => estimateRoundTrip(distanceKm(city, first))),
    fallbackRoundTripMillis: quantilesOf(calls, ({ city, first, second }) =>
      // The transceiver stays where the first relay is.
      estimateRoundTrip(distanceKm(city, second) + distanceKm(second, first)),
    ),
    sharePercent: Object.fromEntries(
      regions.map(({ name }) => [name, share(({ first }) => first.name === name)]),
    ),
    nearestPercent: share(({ city, first }) => distanceKm(city, first) === nearest(city)),
    twoRegionsPercent: share(({ first, second }) => first !== second),
  }
}

/** Two relays and a cluster of two transceivers. */
function nodesOf(region: Region, cluster: number): (RelayRecord | TransceiverRecord)[] {
  const { name, latitude, longitude } = region
  const node = {
    region: name,
    latitude,
    longitude,
    capacity: 100,
    draining: false,
    version: '',
    heartbeatAt: NOW,
  }
  const link = { address: '192.0.2.1', port: 7471 }
  const vips = [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [443] }]
  const twice = [0, 1]
  return [
    ...twice.map((i) => ({
      kind: 'relay' as const,
      id: `${name}-relay-${i}`,
      ...node,
      link,
      vips,
      flows: 0,
    })),
    ...twice.map((transceiver) => ({
      kind: 'transceiver' as const,
      id: `${name}-transceiver-${transceiver}`,
      ...node,
      link,
      cluster,
      transceiver,
      controlUrl: 'http://192.0.2.1:7480',
      sessions: 0,
    })),
  ]
}

function quantilesOf(calls: readonly SteeredCall[], measure: (call: SteeredCall) => number): Quantiles {
  const sorted = calls
    .map((call) => ({ value: measure(call), weight: call.city.millions }))
    .toSorted((a, b) => a.value - b.value)
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0)
  const at = (quantile: number) => {
    let passed = 0
    for (const { value, weight } of sorted) {
      passed += weight
      if (passed >= quantile * total) return Math.round(value)
    }
    return Math.round(sorted.at(-1)?.value ?? NaN)
  }
  return { p50: at(0.5), p95: at(0.95), max: at(1) }
}

function sharePercentOf(calls: readonly SteeredCall[], test: (call: SteeredCall) => boolean): number {
  const sum = (some: readonly SteeredCall[]) => some.reduce((total, { city }) => total + city.millions, 0)
  return Math.round((1_000 * sum(calls.filter(test))) / sum(calls)) / 10
}

const NOW = epochSecondsOf(0)

/** What a client's own network adds to a round trip: a home connection or LTE in good order. */
const ACCESS_MILLIS = 10
/** Light in glass with a refractive index of 1.468. */
const FIBRE_KM_PER_MILLI = 204
/** How much longer the way of a packet is than the great circle. */
const DETOUR = 1.6
