/**
 * `/v1/realtime/calls/{call_id}`: one call. It is ended in the words of the Realtime API (`hangup`) or of WHIP (DELETE),
 * described (GET), and its ICE session is changed (PATCH, RFC 9725 section 4.3).
 *
 * The ETag names the ICE session: a restart makes another one. A trickled candidate changes nothing, since the
 * server learns a client's addresses from its checks.
 */

import { Hono } from 'hono'
import type { Context } from 'hono'
import { MAX_FRAGMENT_BYTES } from '#shared/sdp/fragment'
import { limitBody, mediaTypeOf } from '../body.ts'
import { askOwner, ERRAND_TIMEOUT } from '../call-owner.ts'
import type { CallErrand } from '../call-owner.ts'
import { SDP_FRAGMENT_TYPE } from '../cors.ts'
import { keepAliveOf } from '../edge.ts'
import type { EdgeContext } from '../edge.ts'
import { refusal } from '../errors.ts'
import { authorizeCaller } from '../keys/authorize.ts'

type CallContext = Context<EdgeContext, '/:callId'>

export const call = new Hono<EdgeContext>()
  .post('/:callId/hangup', (context) => endCall(context))
  // It ends the call whatever ICE session `If-Match` names, and answers as WHIP clients expect.
  .delete('/:callId', (context) => endCall(context))
  .get('/:callId', async (context) => {
    await authorizeCaller(context)
    const errand = errandOf(context)
    const { callId, requestId, edge } = errand
    const described = await askOwner(errand, (owner) =>
      edge.transceivers.describeCall(owner, callId, { requestId }, ERRAND_TIMEOUT),
    )
    context.header('ETag', iceSessionTag(described.restarts))
    return context.json({ object: 'realtime.call', id: callId, ...described })
  })
  .patch('/:callId', limitBody, async (context) => {
    await authorizeCaller(context)
    if (mediaTypeOf(context.req) !== SDP_FRAGMENT_TYPE) {
      throw refusal('unsupported-media-type', `Send the fragment as ${SDP_FRAGMENT_TYPE}.`)
    }
    const restarts = readIfMatch(context.req.header('if-match'))
    const fragment = await context.req.text()
    if (fragment.length > MAX_FRAGMENT_BYTES) throw refusal('request-too-large', 'The fragment is too large.')
    const errand = errandOf(context)
    const { callId, requestId, edge } = errand
    const request = { requestId, fragment, ...(restarts !== undefined && { restarts }) }
    const restarted = await askOwner(errand, (owner) =>
      edge.transceivers.restartIce(owner, callId, request, ERRAND_TIMEOUT),
    )
    if (restarted === undefined) return context.body(null, 204)
    const headers = { 'Content-Type': SDP_FRAGMENT_TYPE, ETag: iceSessionTag(restarted.restarts) }
    return context.body(restarted.fragment, 200, headers)
  })

/** Returns the entity tag of a call's ICE session, the first one or one after restarts. */
export function iceSessionTag(restarts: number): string {
  return `"ice-${restarts}"`
}

/** Returns which ICE session `If-Match` (RFC 9110 section 13.1.1) names, by its restarts; undefined is any. */
export function readIfMatch(value: string | undefined): number | undefined {
  if (value === undefined)
    throw refusal('precondition-required', 'Send If-Match: the ETag, or * to restart ICE.')
  if (value.trim() === '*') return undefined
  const [, restarts] = ICE_SESSION_TAG.exec(value.trim()) ?? []
  if (restarts === undefined)
    throw refusal('ice-session-other', 'If-Match names no ICE session of this call.')
  return Number(restarts)
}

async function endCall(context: CallContext): Promise<Response> {
  await authorizeCaller(context)
  const errand = errandOf(context)
  const { callId, requestId, edge } = errand
  await askOwner(errand, (owner) => edge.transceivers.hangUp(owner, callId, { requestId }, ERRAND_TIMEOUT))
  return context.body(null, 200)
}

function errandOf(context: CallContext): CallErrand {
  const { edge, requestId } = context.var
  return { callId: context.req.param('callId'), requestId, edge, keepAlive: keepAliveOf(context) }
}

const ICE_SESSION_TAG = /^"ice-(\d{1,9})"$/
