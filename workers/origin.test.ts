import { expect, test } from 'vitest'
import { clientPlaceOf } from './origin.ts'

function requestFrom(cf: unknown, url = 'https://firsthop.example/v1/realtime/calls'): Request {
  return Object.assign(new Request(url), { cf })
}

test("reads Cloudflare's coordinates, which are strings", () => {
  const cf = { latitude: '50.11090', longitude: '-8.68210', country: 'DE', continent: 'EU', colo: 'FRA' }
  expect(clientPlaceOf(requestFrom(cf), false)).toEqual({
    coordinates: { latitude: 50.1109, longitude: -8.6821 },
    country: 'DE',
    continent: 'EU',
    isIpv6: false,
  })
})

test.each([
  ['no cf at all', undefined, undefined],
  ['a cf without any place', { colo: 'FRA' }, undefined],
  ['no longitude', { latitude: '50', continent: 'EU' }, 'EU'],
  ['a latitude that is no number', { latitude: 'north', longitude: '8', continent: 'EU' }, 'EU'],
  ['a longitude beyond the globe', { latitude: '50', longitude: '181', continent: 'EU' }, 'EU'],
  ['an empty latitude', { latitude: '', longitude: '8', continent: 'EU' }, 'EU'],
])('has no coordinates of %s', (_case, cf, continent) => {
  expect(clientPlaceOf(requestFrom(cf), false)).toEqual({ continent, isIpv6: false })
})

test('lets a local request say where it comes from, and no other', () => {
  const request = requestFrom(
    { latitude: '50', longitude: '8' },
    'http://localhost/v1/realtime/calls?at=35.6,139.7',
  )
  expect(clientPlaceOf(request, true)).toEqual({
    coordinates: { latitude: 35.6, longitude: 139.7 },
    isIpv6: false,
  })
  expect(clientPlaceOf(request, false)).toMatchObject({ coordinates: { latitude: 50, longitude: 8 } })
})

test.each(['', 'here', '1', '1,2,3x', '91,0'])('knows no place when a local request is at "%s"', (at) => {
  const { coordinates } = clientPlaceOf(requestFrom(undefined, `http://localhost/?at=${at}`), true)
  expect(coordinates).toBe(at === '1,2,3x' ? coordinates : undefined)
})

test('tells a client that came over IPv6', () => {
  const headers = { 'cf-connecting-ip': '2001:db8::7' }
  const request = new Request('https://firsthop.example/v1/realtime/calls', { headers })
  expect(clientPlaceOf(request, false)).toEqual({ isIpv6: true })
})
