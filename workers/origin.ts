/**
 * Where a request comes from: Cloudflare's `request.cf`, or on a developer's machine `?at=<latitude>,<longitude>`.
 *
 * Cloudflare locates the client's address and hands the coordinates over as strings; any of them may be missing.
 */

import * as v from 'valibot'
import type { Coordinates } from '#shared/fleet/geo'
import type { ClientPlace } from '#shared/fleet/steer'

/** Returns what is known about the place of the client behind `request`. */
export function clientPlaceOf(request: Request, isLocal: boolean): ClientPlace {
  const at = isLocal ? new URL(request.url).searchParams.get('at') : null
  const isIpv6 = request.headers.get('cf-connecting-ip')?.includes(':') === true
  if (at !== null) return { coordinates: coordinatesOf(at.split(',')), isIpv6 }
  const { latitude, longitude, country, continent } = v.parse(
    cfSchema,
    (request as { readonly cf?: unknown }).cf,
  )
  return { coordinates: coordinatesOf([latitude, longitude]), country, continent, isIpv6 }
}

function coordinatesOf([latitude, longitude]: readonly (string | undefined)[]): Coordinates | undefined {
  const parsed = v.safeParse(coordinatesSchema, { latitude, longitude })
  return parsed.success ? parsed.output : undefined
}

const text = v.fallback(v.optional(v.string()), undefined)
const cfSchema = v.fallback(v.object({ latitude: text, longitude: text, country: text, continent: text }), {
  latitude: undefined,
  longitude: undefined,
  country: undefined,
  continent: undefined,
})

function degrees(limit: number) {
  return v.pipe(v.string(), v.decimal(), v.transform(Number), v.minValue(-limit), v.maxValue(limit))
}

const coordinatesSchema = v.object({ latitude: degrees(90), longitude: degrees(180) })
