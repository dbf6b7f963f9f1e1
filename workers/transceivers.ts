/**
 * Signed control requests to transceivers: docs/control.md.
 *
 * Nothing is retried here: whoever places a call decides what a failure means.
 */

import * as v from 'valibot'
import { toBase64Url, utf8 } from '#shared/bytes'
import { callDescriptionSchema } from '#shared/control/call-description'
import type { CallDescription } from '#shared/control/call-description'
import {
  CALLS_PATH,
  describePathOf,
  errorBodySchema,
  hangUpPathOf,
  icePathOf,
  placeCallResponseSchema,
  restartIceResponseSchema,
} from '#shared/control/messages'
import type {
  DescribeCallRequest,
  ErrorBody,
  HangUpRequest,
  PlaceCallRequest,
  PlaceCallResponse,
  RestartIceRequest,
  RestartIceResponse,
} from '#shared/control/messages'
import { sidebandPathOf } from '#shared/control/sideband'
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
    return readAnswer(placeCallResponseSchema, await this.#post(node, CALLS_PATH, request, timeout))
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

  /** Asks `node` how a call is. */
  async describeCall(
    node: TransceiverRecord,
    callId: string,
    request: DescribeCallRequest,
    timeout: number,
  ): Promise<CallDescription> {
    return readAnswer(callDescriptionSchema, await this.#post(node, describePathOf(callId), request, timeout))
  }

  /** Hands a client's ICE fragment to `node`; the answer is the node's own, unless there was nothing to restart. */
  async restartIce(
    node: TransceiverRecord,
    callId: string,
    request: RestartIceRequest,
    timeout: number,
  ): Promise<RestartIceResponse | undefined> {
    const response = await this.#post(node, icePathOf(callId), request, timeout)
    return response.status === 204 ? undefined : readAnswer(restartIceResponseSchema, response)
  }

  /** Opens the sideband of a call at `node`; whoever gets the WebSocket accepts it or hands it on. */
  async openSideband(node: TransceiverRecord, callId: string, timeout: number): Promise<WebSocket> {
    const url = urlOf(node, sidebandPathOf(callId))
    const headers = { authorization: this.#sign(node, 'GET', url, NO_BODY), upgrade: 'websocket' }
    // The signal bounds the upgrade only: it would end the WebSocket, too.
    const upgrade = new AbortController()
    const timer = setTimeout(() => upgrade.abort(new DOMException('', 'TimeoutError')), timeout)
    const response = await send(url, { headers }, upgrade.signal).finally(() => clearTimeout(timer))
    const { webSocket } = response as unknown as UpgradeResponse
    if (!webSocket) throw await refusedBy(response)
    return webSocket
  }

  async #post(node: TransceiverRecord, path: string, message: object, timeout: number): Promise<Response> {
    const url = urlOf(node, path)
    const body = utf8(JSON.stringify(message)) as Uint8Array<ArrayBuffer>
    const authorization = this.#sign(node, 'POST', url, body)
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await send(url, { method: 'POST', headers, body }, AbortSignal.timeout(timeout))
    if (!response.ok) throw await refusedBy(response)
    return response
  }

  #sign(node: TransceiverRecord, method: string, { pathname }: URL, body: Uint8Array): string {
    const subject = { node: node.id, method, path: pathname, body }
    return signRequest(subject, this.#key, toBase64Url(randomBytes(16)), epochNow())
  }
}

/** Turns a transceiver's refusal into the client's. */
export function passOn({ status, refusal, message }: ControlError): ApiError {
  const fields = refusal ?? { message, code: null, param: null }
  return new ApiError({ ...fields, status, code: fields.code ?? 'request-malformed' })
}

/** What Workers add to the answer to an upgrade. */
interface UpgradeResponse {
  readonly webSocket?: WebSocket | null
}

function urlOf(node: TransceiverRecord, path: string): URL {
  return new URL(node.controlUrl.replace(/\/$/, '') + path)
}

async function send(url: URL, request: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    // A signature is for one node: it must not follow a redirect.
    return await fetch(url, { ...request, redirect: 'manual', signal })
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

async function readAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  response: Response,
): Promise<v.InferOutput<Schema>> {
  const parsed = v.safeParse(schema, await readJson(response))
  if (!parsed.success) throw new ControlError('malformed', 'The transceiver answered in another form')
  return parsed.output
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}

const NO_BODY = new Uint8Array()
