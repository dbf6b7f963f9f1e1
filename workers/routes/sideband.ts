/**
 * `/v1/realtime?call_id=`: a server joins a call and hears and says what the client's data channel does.
 *
 * The Worker finds the call's transceiver, opens a signed WebSocket to it, and hands that to the server as it is:
 * no message passes through its code, and the runtime keeps both ends' pace.
 */

import { Hono } from 'hono'
import { askOwner, ERRAND_TIMEOUT } from '../call-owner.ts'
import { keepAliveOf } from '../edge.ts'
import type { EdgeContext } from '../edge.ts'
import { refusal } from '../errors.ts'
import { authorizeServer } from '../keys/authorize.ts'

export const sideband = new Hono<EdgeContext>().get('/', async (context) => {
  const { edge, requestId } = context.var
  await authorizeServer(context)
  const callId = context.req.query('call_id')
  if (callId === undefined) {
    throw refusal('request-malformed', 'Only the sideband of a call is served here: send call_id.', 'call_id')
  }
  if (context.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    context.header('Upgrade', 'websocket')
    throw refusal('upgrade-required', 'Open this URL as a WebSocket.')
  }
  const errand = { callId, requestId, edge, keepAlive: keepAliveOf(context) }
  const webSocket = await askOwner(errand, (owner) =>
    edge.transceivers.openSideband(owner, callId, ERRAND_TIMEOUT),
  )
  edge.log.info('A sideband is open', { requestId })
  const answer: UpgradeInit = { status: 101, webSocket, headers: subprotocolOf(context.req.raw) }
  return new Response(null, answer)
})

/** What Workers add to an answer. */
interface UpgradeInit extends ResponseInit {
  readonly webSocket: WebSocket
}

/** A client that offers subprotocols wants one of them; the Realtime API's own is `realtime`. */
function subprotocolOf({ headers }: Request): Record<string, string> {
  const offered = headers.get('sec-websocket-protocol')?.split(',') ?? []
  const isOffered = offered.some((name) => name.trim() === 'realtime')
  return isOffered ? { 'Sec-WebSocket-Protocol': 'realtime' } : {}
}
