/**
 * The control endpoint, which only the Worker may use: docs/control.md.
 *
 * Every request is signed for this node. Refusals come in the API's error shape, so that the Worker can pass
 * them on.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import * as v from 'valibot'
import { fromUtf8, utf8 } from '#shared/bytes'
import {
  CALLS_PATH,
  callIdOfDescribePath,
  callIdOfHangUpPath,
  callIdOfIcePath,
  describeCallRequestSchema,
  hangUpRequestSchema,
  MAX_CONTROL_BODY_BYTES,
  placeCallRequestSchema,
  restartIceRequestSchema,
} from '#shared/control/messages'
import type { ControlFault, ErrorBody, PlaceCallRequest, PlaceCallResponse } from '#shared/control/messages'
import { MAX_SIDEBANDS } from '#shared/control/sideband'
import type { SignatureVerifier } from '#shared/control/signature'
import type { Endpoint } from '#shared/endpoint'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import { describeFragmentFault } from '#shared/sdp/fragment'
import { describeOfferFault } from '#shared/sdp/offer-fault'
import type { OfferFault } from '#shared/sdp/offer-fault'
import type { Millis } from '#shared/time'
import type { PlaceCallFault } from './calls.ts'
import type { Media } from './media.ts'
import { serveSidebands } from './sideband-server.ts'
import type { SidebandUpgradeFault } from './sideband-server.ts'

/** What the endpoint serves with. */
export interface ControlServerOptions {
  readonly bind: Endpoint
  /** This node's id, for which requests are signed. */
  readonly node: string
  readonly verifier: SignatureVerifier
  /** Where calls are. */
  readonly media: Pick<Media, 'hangUp' | 'describe' | 'attach' | 'restartIce'>
  /** Places a call, or says why not. */
  readonly place: (request: PlaceCallRequest) => Promise<PlaceCallResponse | PlaceCallFault>
  readonly log: Log
}

/** A running endpoint. */
export interface ControlServer {
  readonly port: number
  close(): Promise<void>
}

/** Starts the endpoint; resolves when it listens. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT, keepAliveTimeout: KEEP_ALIVE },
    (request, response) => {
      serve(options, request, response).catch((error: Error) => {
        options.log.error('A control request failed', { error })
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    },
  )
  const closeSidebands = serveSidebands(server, { ...options, refuse })
  server.listen(options.bind.port, options.bind.address)
  await once(server, 'listening')
  const close = async () => {
    const closed = once(server, 'close')
    closeSidebands()
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { port: (server.address() as AddressInfo).port, close }
}

interface Answer {
  readonly status: number
  readonly body?: object
}

async function serve(
  options: ControlServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = monotonicNow()
  const body = await readBody(request)
  const answer =
    body === undefined ? refuse('request-too-large') : await answerTo(options, request, body, startedAt)
  const text = answer.body === undefined ? undefined : utf8(JSON.stringify(answer.body))
  if (answer.status === 401) response.shouldKeepAlive = false
  response.writeHead(answer.status, text && { 'content-type': 'application/json' }).end(text)
}

async function answerTo(
  options: ControlServerOptions,
  request: IncomingMessage,
  body: Uint8Array,
  startedAt: Millis,
): Promise<Answer> {
  const { node, verifier } = options
  const path = request.url ?? ''
  const method = request.method ?? ''
  const { authorization } = request.headers
  const fault = verifier.verify({ node, method, path, body, authorization }, epochNow())
  if (fault !== undefined) return refuse(fault)
  const message = parseJson(body)
  if (method === 'POST' && path === CALLS_PATH) return placeCall(options, message, startedAt)
  const callId = callIdOfHangUpPath(path)
  if (method === 'POST' && callId !== undefined) return hangUp(options, callId, message)
  const restartedId = callIdOfIcePath(path)
  if (method === 'POST' && restartedId !== undefined) return restartIce(options, restartedId, message)
  const describedId = callIdOfDescribePath(path)
  if (method === 'POST' && describedId !== undefined) return describeCall(options, describedId, message)
  return refuse('request-malformed')
}

async function placeCall(
  { place }: ControlServerOptions,
  message: unknown,
  startedAt: Millis,
): Promise<Answer> {
  const request = v.safeParse(placeCallRequestSchema, message)
  if (!request.success) return refuse('request-malformed')
  const placed = await place(request.output)
  if (typeof placed === 'string') return refuse(placed)
  const body: PlaceCallResponse = { ...placed, placeMillis: monotonicNow() - startedAt }
  return { status: 201, body }
}

async function hangUp({ media }: ControlServerOptions, callId: string, message: unknown): Promise<Answer> {
  if (!v.is(hangUpRequestSchema, message)) return refuse('request-malformed')
  return (await media.hangUp(callId)) ? { status: 204 } : refuse('call-unknown')
}

async function describeCall(
  { media }: ControlServerOptions,
  callId: string,
  message: unknown,
): Promise<Answer> {
  if (!v.is(describeCallRequestSchema, message)) return refuse('request-malformed')
  const body = await media.describe(callId)
  return body === undefined ? refuse('call-unknown') : { status: 200, body }
}

async function restartIce(
  { media }: ControlServerOptions,
  callId: string,
  message: unknown,
): Promise<Answer> {
  const request = v.safeParse(restartIceRequestSchema, message)
  if (!request.success) return refuse('request-malformed')
  const { fragment, restarts } = request.output
  const restarted = await media.restartIce({ callId, fragment, restarts })
  if (restarted === 'unchanged') return { status: 204 }
  return typeof restarted === 'string' ? refuse(restarted) : { status: 200, body: restarted }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_CONTROL_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(body) ?? '')
  } catch {
    return undefined
  }
}

function refuse(fault: ControlFault | SidebandUpgradeFault): Answer {
  const [status, message] = refusalOf(fault)
  const error: ErrorBody['error'] = {
    message,
    type: status === 503 ? 'server_error' : 'invalid_request_error',
    code: fault,
    param: null,
  }
  return { status, body: { error } }
}

function refusalOf(fault: ControlFault | SidebandUpgradeFault): [status: number, message: string] {
  if (fault.startsWith('signature-')) return [401, 'The control request is not signed as it must be.']
  switch (fault) {
    case 'request-malformed':
      return [400, 'The control request is malformed.']
    case 'request-too-large':
      return [413, 'The control request is too large.']
    case 'call-unknown':
      return [404, 'There is no such call.']
    case 'ice-session-other':
      return [412, 'The fragment is for another ICE session than the call has.']
    case 'too-many-sidebands':
      return [429, `The call has all of its ${MAX_SIDEBANDS} sidebands.`]
    case 'node-full':
      return [503, 'The transceiver has no room for another call.']
    case 'node-busy':
      return [503, 'The transceiver has too much to do to take another call.']
    case 'node-draining':
      return [503, 'The transceiver is shutting down.']
    case 'fragment-malformed':
    case 'fragment-too-large':
      return [400, describeFragmentFault(fault)]
    case 'fragment-no-ice':
      return [422, describeFragmentFault(fault)]
    default:
      return [400, describeOfferFault(fault as OfferFault)]
  }
}

/** A request that takes longer has no client behind it that still waits. */
const REQUEST_TIMEOUT = 10_000

/**
 * How long a connection waits for its next request. cloudflared, the near end of a tunnel, keeps one for 90 s; a server
 * that closed first would lose the call that is just being sent. Strangers (401) are not waited for.
 */
const KEEP_ALIVE = 100_000
