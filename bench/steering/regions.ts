/** Sets of regions as an operator may choose them: places where every large cloud has a data centre. */

import type { Coordinates } from '#shared/fleet/geo'

/** A region and where it is. */
export interface Region extends Coordinates {
  readonly name: string
}

const region = (name: string, latitude: number, longitude: number): Region => ({ name, latitude, longitude })

const THREE = [
  region('virginia', 38.9, -77.4),
  region('frankfurt', 50.1, 8.7),
  region('singapore', 1.4, 103.8),
] as const
const SIX = [
  ...THREE,
  region('tokyo', 35.7, 139.7),
  region('sao-paulo', -23.5, -46.6),
  region('mumbai', 19.1, 72.9),
] as const
const TWELVE = [
  ...SIX,
  region('oregon', 45.6, -121.2),
  region('johannesburg', -26.2, 28),
  region('dubai', 25.3, 55.3),
  region('sydney', -33.9, 151.2),
  region('hong-kong', 22.3, 114.2),
  region('dallas', 32.8, -96.8),
] as const

/** Each larger set has the smaller one in it. */
export const regionSets: readonly (readonly Region[])[] = [THREE, SIX, TWELVE]

/** What the sets are measured against: everything in one place. */
export const oneRegion: readonly Region[] = [THREE[0]]
