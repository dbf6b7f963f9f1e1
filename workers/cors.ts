/**
 * Pages of any origin may call: a key in `Authorization` lets a request in, never a cookie.
 *
 * A preflight may ask for any header (SDKs add their own), and its answer holds for a day. OPTIONS also says what
 * a URL takes, as RFC 9725 asks for calls: `Accept-Post`, and `Accept-Patch` of RFC 5789.
 */

import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'

/** The media type of an ICE fragment: RFC 8840 section 9. */
export const SDP_FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag'

/** Answers preflights, and lets pages read the headers of every answer. */
export const allowPages = cors({
  origin: '*',
  allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
  exposeHeaders: [
    'Location',
    'ETag',
    'Firsthop-Relay',
    'Firsthop-Region',
    'Firsthop-Steering',
    'Server-Timing',
    'Retry-After',
    'X-Request-Id',
    'Allow',
    'Accept-Post',
    'Accept-Patch',
    // A WHIP client reads this one, of OPTIONS, to learn whether it may send fragments.
    'Access-Control-Allow-Methods',
  ],
  maxAge: 86_400,
})

/** Adds to the answers to OPTIONS what a URL below `/v1/realtime/calls` takes. */
export const describeOptions: MiddlewareHandler = async (context, next) => {
  await next()
  if (context.req.method !== 'OPTIONS') return
  const isCall = CALL_PATH.test(context.req.path)
  const options = isCall ? CALL_OPTIONS : CALLS_OPTIONS
  for (const [name, value] of Object.entries(options)) context.res.headers.set(name, value)
}

const CALL_PATH = /^\/v1\/realtime\/calls\/[^/]+$/
const CALLS_OPTIONS = {
  Allow: 'GET, HEAD, POST, OPTIONS',
  'Accept-Post': 'application/sdp, multipart/form-data',
}
const CALL_OPTIONS = { Allow: 'GET, HEAD, PATCH, DELETE, OPTIONS', 'Accept-Patch': SDP_FRAGMENT_TYPE }
