/**
 * The HTTP surface of Firsthop: OpenAI's Realtime API over WebRTC, and two probes. docs/api.md describes it.
 */

import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { openLog } from '#shared/platform/log'
import type { Log } from '#shared/platform/log'
import { allowPages, describeOptions } from './cors.ts'
import { openEdge } from './edge.ts'
import type { Edge, EdgeContext } from './edge.ts'
import { readEnv } from './env.ts'
import { ApiError, answerError, refusal } from './errors.ts'
import { call } from './routes/call.ts'
import { calls } from './routes/calls.ts'
import { clientSecrets } from './routes/client-secrets.ts'
import { health } from './routes/health.ts'
import { sideband } from './routes/sideband.ts'

/** Makes the app of one isolate; it reads its environment with the first request. */
export function createApp(log: Log = openLog({ write: console.log })): Hono<EdgeContext> {
  const app = new Hono<EdgeContext>()
  let edge: Edge | undefined
  app.use(requestId({ limitLength: MAX_REQUEST_ID_LENGTH }))
  const giveEdge: MiddlewareHandler<EdgeContext> = async (context, next) => {
    edge ??= readEdge(context.env, log)
    context.set('edge', edge)
    await next()
  }
  // The answer that opens a WebSocket takes no further headers, so what adds some comes after it.
  app.use('/v1/realtime', giveEdge)
  app.route('/v1/realtime', sideband)
  app.use(secureHeaders({ crossOriginResourcePolicy: 'cross-origin' }))
  app.use('/v1/realtime/calls/*', describeOptions)
  app.use('/v1/*', allowPages)
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }))
  app.use(giveEdge)
  app.route('/', health)
  app.route('/v1/realtime/client_secrets', clientSecrets)
  app.route('/v1/realtime/calls', calls)
  app.route('/v1/realtime/calls', call)
  app.notFound((context) => answerError(refusal('url-unknown', 'There is nothing at this URL.'), context))
  app.onError((error, context) => {
    if (error instanceof ApiError) return answerError(error, context)
    log.error('A request failed', { requestId: context.get('requestId'), error })
    return answerError(refusal('internal-error', 'The server failed; its log has the request id.'), context)
  })
  return app
}

function readEdge(bindings: object, log: Log): Edge {
  const env = readEnv(bindings)
  if (!isMistakes(env)) return openEdge(env, log)
  for (const mistake of env) log.error('The Worker is misconfigured', { mistake })
  throw refusal('misconfigured', 'The Worker is misconfigured; its log says how.')
}

function isMistakes(env: ReturnType<typeof readEnv>): env is readonly string[] {
  return Array.isArray(env)
}

function refuseMethod(context: Context, methods: readonly string[]): Response {
  const allowed = methods.join(', ')
  context.header('Allow', allowed)
  return answerError(refusal('method-not-allowed', `This URL takes ${allowed} only.`), context)
}

/** As long as a control request can carry it to a transceiver's log. */
const MAX_REQUEST_ID_LENGTH = 64
