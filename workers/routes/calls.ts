/**
 * `/v1/realtime/calls`: an SDP offer becomes a call.
 *
 * The offer comes as `application/sdp`, or as the part `sdp` of a form whose part `session` configures the
 * session. It is read here already, so that no transceiver is asked about an offer that none could take.
 */

import { Hono } from 'hono'
import type { HonoRequest } from 'hono'
import * as v from 'valibot'
import { channelIdSchema } from '#shared/control/messages'
import type { SessionConfig } from '#shared/control/messages'
import { monotonicNow } from '#shared/platform/clock'
import { readOffer } from '#shared/sdp/offer'
import { limitBody, mediaTypeOf, parseJson, validate } from '../body.ts'
import { keepAliveOf } from '../edge.ts'
import type { EdgeContext } from '../edge.ts'
import { offerRefusal, refusal } from '../errors.ts'
import { authorizeCaller } from '../keys/authorize.ts'
import { clientPlaceOf } from '../origin.ts'
import { placeCall } from '../place-call.ts'
import type { PlacedCall } from '../place-call.ts'
import { iceSessionTag } from './call.ts'
import { mergeSession, sessionSchema } from '../session.ts'

export const calls = new Hono<EdgeContext>()
  .post('/', limitBody, async (context) => {
    const startedAt = monotonicNow()
    const { edge, requestId } = context.var
    const caller = await authorizeCaller(context)
    // If the fleet has to be read, that begins before the offer is there.
    void edge.fleet.prepare(keepAliveOf(context))
    const { offer, session } = await readCallRequest(context.req)
    const fault = readOffer(offer)
    if (typeof fault === 'string') throw offerRefusal(fault)
    const order = {
      requestId,
      apiKey: caller.apiKey,
      offer,
      channelId: readChannelId(context.req.query('dcid')),
      session: mergeSession(caller.session, session),
      place: clientPlaceOf(context.req.raw, edge.env.isLocal),
    }
    const call = await placeCall(order, edge, keepAliveOf(context))
    return context.body(call.answer, 201, headersOf(call, monotonicNow() - startedAt, edge.env.isLocal))
  })
  // A WHIP client asks so whether the URL is there: RFC 9725 has GET succeed without content.
  .get('/', (context) => context.body(null, 204))

/** `?dcid=`: the id of a data channel that the client has negotiated beforehand (docs/api.md). */
function readChannelId(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const parsed = v.safeParse(channelIdSchema, /^\d{1,5}$/.test(text) ? Number(text) : NaN)
  if (parsed.success) return parsed.output
  throw refusal('request-malformed', 'The parameter "dcid" is a number from 0 to 1023.', 'dcid')
}

interface CallRequest {
  readonly offer: string
  readonly session?: SessionConfig
}

async function readCallRequest(request: HonoRequest): Promise<CallRequest> {
  switch (mediaTypeOf(request)) {
    case 'application/sdp':
      return { offer: await request.text() }
    case 'multipart/form-data':
      return readCallForm(await readForm(request))
    default:
      throw refusal('unsupported-media-type', 'Send the offer as application/sdp or multipart/form-data.')
  }
}

async function readForm(request: HonoRequest): Promise<FormData> {
  try {
    return await request.formData()
  } catch {
    throw refusal('request-malformed', 'The body is not valid multipart/form-data.')
  }
}

async function readCallForm(form: FormData): Promise<CallRequest> {
  const [offer, session] = await Promise.all([readPart(form, 'sdp'), readPart(form, 'session')])
  if (offer === undefined) throw refusal('request-malformed', 'The form lacks the part "sdp".', 'sdp')
  if (session === undefined) return { offer }
  return { offer, session: validate(sessionSchema, parseJson(session, 'session'), 'session') }
}

/** A part is text, or a file when its sender gave it a name. */
async function readPart(form: FormData, name: string): Promise<string | undefined> {
  const part = form.get(name)
  return part === null || typeof part === 'string' ? (part ?? undefined) : part.text()
}

function headersOf(call: PlacedCall, workerMillis: number, isLocal: boolean): Record<string, string> {
  const { callId, relays } = call
  return {
    'Content-Type': 'application/sdp',
    Location: `/v1/realtime/calls/${callId}`,
    ETag: iceSessionTag(0),
    'Firsthop-Relay': relays.map(({ id }) => id).join(', '),
    'Firsthop-Region': relays.map(({ region }) => region).join(', '),
    'Server-Timing': timingsOf(call, workerMillis),
    'Timing-Allow-Origin': '*',
    ...(isLocal && { 'Firsthop-Steering': JSON.stringify(call.steering) }),
  }
}

/** W3C Server Timing section 3.1; `worker` contains the others, and `transceiver` contains `place`. */
function timingsOf(call: PlacedCall, workerMillis: number): string {
  const { node, steerMillis, placeMillis, transceiverMillis } = call
  return [
    `steer;dur=${steerMillis.toFixed(1)}`,
    ...(placeMillis === undefined ? [] : [`place;dur=${placeMillis.toFixed(1)}`]),
    `transceiver;dur=${transceiverMillis.toFixed(1)};desc="${node.id}"`,
    `worker;dur=${workerMillis.toFixed(1)}`,
  ].join(', ')
}
