import { expect, test } from 'vitest'
import { pointOfCountry } from './countries.ts'
import { centroidOf, distanceKm } from './geo.ts'

test.each([
  ['DE', 'EU'],
  ['US', 'NA'],
  ['JP', 'AS'],
  ['BR', 'SA'],
  ['ZA', 'AF'],
  ['NZ', 'OC'],
])('puts %s nearer to its own continent than to any other', (country, continent) => {
  const point = pointOfCountry(country)!
  const distances = ['AF', 'AS', 'EU', 'NA', 'OC', 'SA'].map((code) => ({
    code,
    distance: distanceKm(point, centroidOf(code)!),
  }))
  expect(distances.toSorted((a, b) => a.distance - b.distance)[0]?.code).toBe(continent)
})

test('has a place on Earth for every country in it', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('')
  const points = letters.flatMap((a) => letters.flatMap((b) => pointOfCountry(a + b) ?? []))
  expect(points.length).toBeGreaterThan(150)
  expect(points.every(({ latitude }) => Math.abs(latitude) <= 90)).toBe(true)
  expect(points.every(({ longitude }) => Math.abs(longitude) <= 180)).toBe(true)
})

test.each(['T1', 'XX', 'de', ''])('knows no place of "%s"', (country) => {
  expect(pointOfCountry(country)).toBeUndefined()
})
