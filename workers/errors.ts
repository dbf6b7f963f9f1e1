/**
 * Refusals in the API's own shape, `{"error":{"message","type","code","param"}}`: docs/api.md has the table.
 *
 * A fault is a kebab-case reason, as everywhere in Firsthop; on the wire it is the `code`, in snake case as the
 * API writes its codes.
 */

import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ErrorBody } from '#shared/control/messages'
import { HEARTBEAT_SECONDS } from '#shared/fleet/record'
import type { SteeringFault } from '#shared/fleet/steer'
import type { ClientSecretFault } from '#shared/keys/client-secret'
import { describeOfferFault } from '#shared/sdp/offer-fault'
import type { OfferFault } from '#shared/sdp/offer-fault'

/** Why the Worker itself refuses a request, but for what is wrong with an offer. */
export type ApiFault =
  | ClientSecretFault
  | SteeringFault
  | 'request-malformed'
  | 'request-too-large'
  | 'unsupported-media-type'
  | 'api-key-missing'
  | 'api-key-invalid'
  | 'origin-not-allowed'
  | 'rate-limit-exceeded'
  | 'too-many-calls'
  | 'call-unknown'
  | 'upgrade-required'
  | 'precondition-required'
  | 'ice-session-other'
  | 'url-unknown'
  | 'method-not-allowed'
  | 'fleet-unknown'
  | 'transceiver-unreachable'
  | 'misconfigured'
  | 'internal-error'

export interface ApiErrorFields {
  readonly status: number
  /** Kebab case. */
  readonly code: string
  readonly message: string
  /** The field at fault. */
  readonly param?: string | null
}

/** Ends a request: routes throw it, `answerError` writes it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly param: string | null

  constructor({ status, code, message, param = null }: ApiErrorFields) {
    super(message)
    this.status = status
    this.code = code
    this.param = param
  }
}

/** Refuses a request for `fault`; `message` is for the developer who reads it. */
export function refusal(fault: ApiFault, message: string, param?: string): ApiError {
  return new ApiError({ status: STATUS_BY_FAULT[fault], code: fault, message, param: param ?? null })
}

/** Refuses an offer. */
export function offerRefusal(fault: OfferFault): ApiError {
  const status = fault === 'offer-too-large' ? 413 : 400
  return new ApiError({ status, code: fault, message: describeOfferFault(fault), param: 'sdp' })
}

/** Writes `error` as the answer to the request of `context`. */
export function answerError({ status, code, message, param }: ApiError, context: Context): Response {
  const body: ErrorBody = { error: { message, type: typeOf(status), code: code.replaceAll('-', '_'), param } }
  if (status === 401) context.header('WWW-Authenticate', 'Bearer')
  const retryAfter = code === 'rate-limit-exceeded' ? RATE_PERIOD_SECONDS : HEARTBEAT_SECONDS
  if (status === 503 || status === 429) context.header('Retry-After', String(retryAfter))
  return context.json(body, status as ContentfulStatusCode)
}

/** The API's own classes of errors: "requests" is what it calls a rate of them. */
function typeOf(status: number): string {
  if (status === 429) return 'requests'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** The status of each fault; docs/api.md has the same table. */
export const STATUS_BY_FAULT: Readonly<Record<ApiFault, number>> = {
  'request-malformed': 400,
  'api-key-missing': 401,
  'api-key-invalid': 401,
  'secret-malformed': 401,
  'secret-too-large': 401,
  'secret-unknown-key': 401,
  'secret-forged': 401,
  'secret-expired': 401,
  'secret-life': 401,
  'origin-not-allowed': 403,
  'call-unknown': 404,
  'url-unknown': 404,
  'method-not-allowed': 405,
  'ice-session-other': 412,
  'request-too-large': 413,
  'unsupported-media-type': 415,
  'upgrade-required': 426,
  'precondition-required': 428,
  'rate-limit-exceeded': 429,
  'too-many-calls': 429,
  'internal-error': 500,
  misconfigured: 500,
  'fleet-unknown': 503,
  'no-relay': 503,
  'no-transceiver': 503,
  full: 503,
  'transceiver-unreachable': 503,
}

/** The `period` of the rate limits in wrangler.toml. */
const RATE_PERIOD_SECONDS = 60
