/** `POST /v1/realtime/client_secrets`: an ephemeral key for a browser, minted by whoever has an API key. */

import { Hono } from 'hono'
import * as v from 'valibot'
import {
  DEFAULT_SECRET_LIFE_SECONDS,
  MAX_SECRET_LIFE_SECONDS,
  MIN_SECRET_LIFE_SECONDS,
} from '#shared/keys/client-secret'
import { epochNow } from '#shared/platform/clock'
import { limitBody, mediaTypeOf, parseJson, validate } from '../body.ts'
import { keepAliveOf } from '../edge.ts'
import type { EdgeContext } from '../edge.ts'
import { refusal } from '../errors.ts'
import { authorizeMinting } from '../keys/authorize.ts'
import { isJsonObject, sessionSchema } from '../session.ts'

export const clientSecrets = new Hono<EdgeContext>().post('/', limitBody, async (context) => {
  const apiKey = await authorizeMinting(context)
  // A call is about to come, which need not wait for the fleet's read then.
  void context.var.edge.fleet.prepare(keepAliveOf(context))
  const body = await context.req.text()
  if (body !== '' && mediaTypeOf(context.req) !== 'application/json') {
    throw refusal('unsupported-media-type', 'Send the body as application/json.')
  }
  const { session, expires_after } = validate(requestSchema, parseJson(body || '{}'))
  const { clientSecrets: secrets } = context.var.edge
  const minted = secrets.mint(apiKey?.id, session, expires_after.seconds, epochNow())
  if (typeof minted === 'string') {
    throw refusal(
      'request-too-large',
      'The session configuration does not fit into an ephemeral key.',
      'session',
    )
  }
  return context.json({
    value: minted.value,
    expires_at: minted.expiresAt,
    session: { ...session, id: minted.id, object: 'realtime.session', type: 'realtime' },
  })
})

/** What a request may hold. */
export const clientSecretRequestSchema = v.object({
  session: v.optional(sessionSchema),
  expires_after: v.optional(
    v.object({
      anchor: v.optional(v.literal('created_at'), 'created_at'),
      seconds: v.optional(
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(MIN_SECRET_LIFE_SECONDS),
          v.maxValue(MAX_SECRET_LIFE_SECONDS),
        ),
        DEFAULT_SECRET_LIFE_SECONDS,
      ),
    }),
    {},
  ),
})

const requestSchema = v.pipe(
  v.custom<object>(isJsonObject, 'The body must be a JSON object.'),
  clientSecretRequestSchema,
)
