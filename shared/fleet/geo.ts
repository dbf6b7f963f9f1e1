/**
 * Where things are on Earth, as precisely as choosing between data centres needs.
 */

/** Degrees north and east. */
export interface Coordinates {
  readonly latitude: number
  readonly longitude: number
}

/** Returns the great-circle distance between `a` and `b` in kilometres, by the haversine formula. */
export function distanceKm(a: Coordinates, b: Coordinates): number {
  const halfChordSquared =
    haversine(a.latitude - b.latitude) +
    cosine(a.latitude) * cosine(b.latitude) * haversine(a.longitude - b.longitude)
  // Rounding may lift the value of antipodes above 1, which has no arcsine.
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, halfChordSquared)))
}

/** Returns a point amid the people of a continent, by its two-letter code (AF, AN, AS, EU, NA, OC, SA). */
export function centroidOf(continent: string): Coordinates | undefined {
  return CENTROID_BY_CONTINENT.get(continent)
}

function haversine(degrees: number): number {
  return Math.sin((degrees * RADIANS_PER_DEGREE) / 2) ** 2
}

function cosine(degrees: number): number {
  return Math.cos(degrees * RADIANS_PER_DEGREE)
}

const RADIANS_PER_DEGREE = Math.PI / 180

/** The mean radius, IUGG. */
const EARTH_RADIUS_KM = 6_371.009

/** In whole degrees and nearer to the cities than to the middle of the land: only continents are told apart. */
const CENTROID_BY_CONTINENT: ReadonlyMap<string, Coordinates> = new Map([
  ['AF', { latitude: 7, longitude: 20 }],
  ['AN', { latitude: -90, longitude: 0 }],
  ['AS', { latitude: 25, longitude: 95 }],
  ['EU', { latitude: 50, longitude: 12 }],
  ['NA', { latitude: 39, longitude: -92 }],
  ['OC', { latitude: -30, longitude: 150 }],
  ['SA', { latitude: -18, longitude: -55 }],
])
