/**
 * The control messages from the Worker to a transceiver: JSON over HTTPS (docs/control.md).
 *
 *   POST {controlUrl}/v1/calls                    PlaceCallRequest → 201 PlaceCallResponse
 *   POST {controlUrl}/v1/calls/{callId}/hangup    HangUpRequest    → 204
 *   POST {controlUrl}/v1/calls/{callId}/describe  DescribeCallRequest → 200 CallDescription
 *   POST {controlUrl}/v1/calls/{callId}/ice       RestartIceRequest → 200 RestartIceResponse, or 204
 *
 * A refusal carries an `ErrorBody` whose code is a `ControlFault`. Each request is signed (`signature.ts`).
 */

import * as v from 'valibot'
import { relayRecordSchema } from '#shared/fleet/record'
import { steeringRecordSchema } from '#shared/fleet/steering-record'
import { apiKeyIdSchema } from '#shared/keys/api-key'
import { MAX_OFFER_BYTES } from '#shared/sdp/offer-fault'
import type { OfferFault } from '#shared/sdp/offer-fault'
import { MAX_FRAGMENT_BYTES } from '#shared/sdp/fragment'
import type { FragmentFault } from '#shared/sdp/fragment'
import type { SignatureFault } from './signature.ts'

/** The largest body of a control request: an offer, a session configuration, and room for both as JSON. */
export const MAX_CONTROL_BODY_BYTES = 262_144

/** The relays that one answer may name. */
export const MAX_RELAY_CHOICES = 2

/** The path under a control URL where calls are placed. */
export const CALLS_PATH = '/v1/calls'

const restarts = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const requestId = v.pipe(v.string(), v.minLength(1), v.maxLength(64))

/** A relay as the answer needs it: who it is and where clients reach it. */
export const relayChoiceSchema = v.pick(relayRecordSchema, ['id', 'region', 'vips'])

/** A session configuration in the shape of the Realtime API: an object that the backend interprets. */
export const sessionConfigSchema = v.record(v.string(), v.unknown())

/** A stream that an answer offers; MAX_STREAMS of transceiver-nodes/core/sctp/packet.ts. */
export const channelIdSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_023))

export const placeCallRequestSchema = v.object({
  requestId,
  offer: v.pipe(v.string(), v.maxLength(MAX_OFFER_BYTES)),
  relays: v.pipe(v.array(relayChoiceSchema), v.minLength(1), v.maxLength(MAX_RELAY_CHOICES), v.readonly()),
  session: v.optional(sessionConfigSchema),
  /** The stream of a data channel that the client has negotiated beforehand, RFC 8832 section 4. */
  channelId: v.optional(channelIdSchema),
  /** The API key that the call counts for. */
  apiKeyId: v.optional(apiKeyIdSchema),
  /** Why these relays and this transceiver. */
  steering: v.optional(steeringRecordSchema),
})

export const placeCallResponseSchema = v.object({
  callId: v.pipe(v.string(), v.regex(/^rtc_[\w-]{1,64}$/)),
  answer: v.pipe(v.string(), v.maxLength(MAX_OFFER_BYTES)),
  node: v.object({ id: v.string(), region: v.string() }),
  /** How long the transceiver took, from the head of the request to its answer. */
  placeMillis: v.optional(v.pipe(v.number(), v.minValue(0))),
})

export const hangUpRequestSchema = v.object({ requestId })

export const describeCallRequestSchema = v.object({ requestId })

/** A client's fragment (RFC 8840): new credentials ask for an ICE restart, the known ones trickle candidates. */
export const restartIceRequestSchema = v.object({
  requestId,
  fragment: v.pipe(v.string(), v.maxLength(MAX_FRAGMENT_BYTES)),
  /** The ICE session that the client means, by the restarts before it; whichever there is when absent. */
  restarts: v.optional(restarts),
})

/** The server's fragment of a restart. */
export const restartIceResponseSchema = v.object({
  fragment: v.pipe(v.string(), v.maxLength(MAX_FRAGMENT_BYTES)),
  restarts,
})

/** An error in the shape of the OpenAI API, which the Worker may pass on as it is. */
export const errorBodySchema = v.object({
  error: v.object({
    message: v.string(),
    type: v.string(),
    code: v.nullable(v.string()),
    param: v.nullable(v.string()),
  }),
})

export type RelayChoice = v.InferOutput<typeof relayChoiceSchema>
export type SessionConfig = v.InferOutput<typeof sessionConfigSchema>
export type PlaceCallRequest = v.InferOutput<typeof placeCallRequestSchema>
export type PlaceCallResponse = v.InferOutput<typeof placeCallResponseSchema>
export type HangUpRequest = v.InferOutput<typeof hangUpRequestSchema>
export type DescribeCallRequest = v.InferOutput<typeof describeCallRequestSchema>
export type RestartIceRequest = v.InferOutput<typeof restartIceRequestSchema>
export type RestartIceResponse = v.InferOutput<typeof restartIceResponseSchema>
export type ErrorBody = v.InferOutput<typeof errorBodySchema>

/** Why a transceiver refuses a control request: the `code` of its `ErrorBody`. */
export type ControlFault =
  | OfferFault
  | FragmentFault
  | SignatureFault
  | 'request-malformed'
  | 'request-too-large'
  | 'call-unknown'
  | 'ice-session-other'
  | 'node-full'
  | 'node-busy'
  | 'node-draining'

/** Returns the path that hangs up `callId`. */
export function hangUpPathOf(callId: string): string {
  return `${CALLS_PATH}/${callId}/hangup`
}

/** Returns the call that `path` asks to hang up, if it is such a path. */
export function callIdOfHangUpPath(path: string): string | undefined {
  return HANG_UP_PATH.exec(path)?.[1]
}

/** Returns the path that describes `callId`. */
export function describePathOf(callId: string): string {
  return `${CALLS_PATH}/${callId}/describe`
}

/** Returns the call that `path` asks about, if it is such a path. */
export function callIdOfDescribePath(path: string): string | undefined {
  return DESCRIBE_PATH.exec(path)?.[1]
}

/** Returns the path that restarts ICE of `callId`, or trickles to it. */
export function icePathOf(callId: string): string {
  return `${CALLS_PATH}/${callId}/ice`
}

/** Returns the call whose ICE `path` is about, if it is such a path. */
export function callIdOfIcePath(path: string): string | undefined {
  return ICE_PATH.exec(path)?.[1]
}

const DESCRIBE_PATH = /^\/v1\/calls\/(rtc_[\w-]{1,64})\/describe$/
const ICE_PATH = /^\/v1\/calls\/(rtc_[\w-]{1,64})\/ice$/
const HANG_UP_PATH = /^\/v1\/calls\/(rtc_[\w-]{1,64})\/hangup$/
