/**
 * Signed control requests to transceivers: docs/control.md.
 *
 * Nothing is retried here: whoever places a call decides what a failure means.
 */

import * as v from 'valibot'
import { toBase64Url, utf8 } from '#shared/bytes'
import { CALLS_PATH, errorBodySchema, hangUpPathOf, placeCallResponseSchema } from '#shared/control/messages'
import type { ErrorBody, HangUpRequest, PlaceCallRequest, PlaceCallResponse } from '#shared/control/messages'
import { signRequest } from '#shared/control/signature'
import type { SigningKey } from '#shared/control/signature'
import type { TransceiverRecord } from '#shared/fleet/record'
import { epochNow } from '#shared/platform/clock'
import { hmacSha256, randomBytes, sha256 } from '#shared/platform/crypto'
import { ApiError } from './errors.ts'

/** `unreachable` and `timeout`: nobody answered; `refused`: an error status; `malformed`: an answer of another form. */
export type ControlErrorCode = 'unreachable' | 'timeout' | 'refused' | 'malformed'

/** A control request that failed. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: ControlErrorCode
  /** Of the refusal; 0 without one. */
  readonly status: number
  readonly refusal: ErrorBody['error'] | undefined

  constructor(code: ControlErrorCode, message: string, status = 0, refusal?: ErrorBody['error']) {
    super(message)
    this.code = code
    this.status = status
    this.refusal = refusal
  }

  /** A refused signature is between Worker and transceiver; any other 4xx is for whoever sent the request. */
  get isClientsFault(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 401 && this.status !== 403
  }
}

/** Speaks to transceivers under one control key; every method rejects with a `ControlError`. */
export class Transceivers {
  readonly #key: SigningKey

  constructor(controlKey: Uint8Array) {
    this.#key = { mac: hmacSha256(controlKey), sha256 }
  }

  /** Asks `node` to take a call. */
  async placeCall(
    node: TransceiverRecord,
    request: PlaceCallRequest,
    timeout: number,
  ): Promise<PlaceCallResponse> {
    const response = await this.#post(node, CALLS_PATH, request, timeout)
    const parsed = v.safeParse(placeCallResponseSchema, await readJson(response))
    if (!parsed.success) throw new ControlError('malformed', 'The transceiver answered in another form')
    return parsed.output
  }

  /** Asks `node` to end a call. */
  async hangUp(
    node: TransceiverRecord,
    callId: string,
    request: HangUpRequest,
    timeout: number,
  ): Promise<void> {
    await this.#post(node, hangUpPathOf(callId), request, timeout)
  }

  async #post(node: TransceiverRecord, path: string, message: object, timeout: number): Promise<Response> {
    const url = new URL(node.controlUrl.replace(/\/$/, '') + path)
    const body = utf8(JSON.stringify(message))
    const subject = { node: node.id, method: 'POST', path: url.pathname, body }
    const authorization = signRequest(subject, this.#key, toBase64Url(randomBytes(16)), epochNow())
    const response = await send(url, authorization, body, timeout)
    if (!response.ok) throw await refusedBy(response)
    return response
  }
}

/** Turns a transceiver's refusal into the client's. */
export function passOn({ status, refusal, message }: ControlError): ApiError {
  const fields = refusal ?? { message, code: null, param: null }
  return new ApiError({ ...fields, status, code: fields.code ?? 'request-malformed' })
}

async function send(url: URL, authorization: string, body: Uint8Array, timeout: number): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: body as Uint8Array<ArrayBuffer>,
      // A signature is for one node: it must not follow a redirect.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    })
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError'
    throw isTimeout
      ? new ControlError('timeout', 'The transceiver did not answer in time')
      : new ControlError('unreachable', 'The transceiver cannot be reached')
  }
}

async function refusedBy(response: Response): Promise<ControlError> {
  const parsed = v.safeParse(errorBodySchema, await readJson(response))
  const refusal = parsed.success ? parsed.output.error : undefined
  const message = `The transceiver answered ${response.status}${refusal?.code ? ` (${refusal.code})` : ''}`
  return new ControlError('refused', message, response.status, refusal)
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}
