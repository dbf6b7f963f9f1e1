import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { centroidOf, distanceKm } from './geo.ts'

const FRANKFURT = { latitude: 50.11, longitude: 8.68 }
const NEW_YORK = { latitude: 40.71, longitude: -74.01 }
const SYDNEY = { latitude: -33.87, longitude: 151.21 }

test('measures known distances to a few kilometres', () => {
  expect(Math.round(distanceKm(FRANKFURT, NEW_YORK) / 10)).toBe(620)
  expect(Math.round(distanceKm(FRANKFURT, SYDNEY) / 10)).toBe(1_648)
})

test('goes the short way over the date line', () => {
  expect(distanceKm({ latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 })).toBeCloseTo(
    111.2,
    1,
  )
})

test('is a metric: zero to itself, the same both ways, at most half the circumference', () => {
  const place = fc.record({
    latitude: fc.double({ min: -90, max: 90, noNaN: true }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  })
  fc.assert(
    fc.property(place, place, place, (a, b, c) => {
      expect(distanceKm(a, a)).toBe(0)
      expect(distanceKm(a, b)).toBe(distanceKm(b, a))
      expect(distanceKm(a, b)).toBeLessThan(20_016)
      expect(distanceKm(a, c)).toBeLessThanOrEqual(distanceKm(a, b) + distanceKm(b, c) + 1e-3)
    }),
  )
})

test('knows every continent, and nothing else', () => {
  const continents = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA']
  expect(continents.every((code) => centroidOf(code) !== undefined)).toBe(true)
  expect(centroidOf('T1')).toBeUndefined()
})
