// @ts-check
/**
 * The page's three requests to the API of its own origin: mint an ephemeral key, place a call, hang up.
 *
 * The API is OpenAI's Realtime API over WebRTC. Every failure is a `CallProblem`; nothing here touches
 * the DOM or the peer connection.
 */

import { CallProblem } from './errors.js'

/**
 * @typedef {object} PlacedCall
 * @property {string} answer    SDP
 * @property {string} bearer    the key that placed the call and may end it
 * @property {string} [callPath]  path of the call resource, from `Location`
 * @property {string} [relay]   id of the first relay in the answer
 * @property {string} [region]  that relay's region
 * @property {string} [serverTiming]  the `Server-Timing` header as it came
 */

/**
 * Mints an ephemeral key; without `apiKey` this works on an open deployment only.
 * @param {string | undefined} apiKey
 * @param {AbortSignal} signal
 * @returns {Promise<string>}
 */
export async function mintClientSecret(apiKey, signal) {
  const headers = new Headers({ 'Content-Type': 'application/json' })
  if (apiKey !== undefined) headers.set('Authorization', `Bearer ${apiKey}`)
  const body = JSON.stringify({ session: { type: 'realtime' } })
  const response = await request('/v1/realtime/client_secrets', { method: 'POST', headers, body, signal })
  if (response.status === 401)
    throw await problemOf(response, apiKey === undefined ? 'key-needed' : 'key-refused')
  if (!response.ok) throw await problemOf(response, 'call-refused')
  const { value } = await response.json()
  if (typeof value !== 'string')
    throw new CallProblem('call-refused', { message: 'The key came without a value.' })
  return value
}

/**
 * Places the call: sends the offer, returns the answer and what the headers say about the path.
 * @param {string} offer
 * @param {string} bearer  an ephemeral key
 * @param {AbortSignal} signal
 * @returns {Promise<PlacedCall>}
 */
export async function placeCall(offer, bearer, signal) {
  const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${bearer}` }
  const response = await request('/v1/realtime/calls', { method: 'POST', headers, body: offer, signal })
  if (response.status === 401) throw await problemOf(response, 'key-refused')
  if (response.status !== 201) throw await problemOf(response, 'call-refused')
  const answer = await response.text()
  return { answer, bearer, ...pathHeaders(response.headers) }
}

/**
 * Ends the call at the server; outlives the page (`keepalive`) and never fails the caller, because the
 * server also ends a call whose peer has gone.
 * @param {PlacedCall} call
 */
export async function hangUpCall({ callPath, bearer }) {
  if (callPath === undefined) return
  const headers = { Authorization: `Bearer ${bearer}` }
  await fetch(`${callPath}/hangup`, { method: 'POST', headers, keepalive: true }).catch(() => undefined)
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function request(path, init) {
  try {
    return await fetch(path, { ...init, cache: 'no-store' })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new CallProblem('api-unreachable', { message: String(error) })
  }
}

/**
 * @param {Headers} headers
 * @returns {Omit<PlacedCall, 'answer' | 'bearer'>}
 */
function pathHeaders(headers) {
  /** @type {Omit<PlacedCall, 'answer' | 'bearer'>} */
  const found = {}
  const location = headers.get('Location')
  const relay = headers.get('Firsthop-Relay')
  const region = headers.get('Firsthop-Region')
  const serverTiming = headers.get('Server-Timing')
  if (location !== null) found.callPath = sameOriginPath(location)
  if (relay !== null) found.relay = firstOf(relay)
  if (region !== null) found.region = firstOf(region)
  if (serverTiming !== null) found.serverTiming = serverTiming
  return found
}

/**
 * Keeps the path alone, so that the bearer goes to this origin whatever the header says.
 * @param {string} location
 */
function sameOriginPath(location) {
  return new URL(location, window.location.origin).pathname
}

/** @param {string} list */
function firstOf(list) {
  return list.split(',', 1)[0]?.trim() ?? ''
}

/**
 * Reads the API's error shape, `{error: {message, type, code, param}}`, and survives any other body.
 * @param {Response} response
 * @param {import('./errors.js').ProblemCode} code
 */
async function problemOf(response, code) {
  /** @type {import('./errors.js').ProblemDetail} */
  const detail = { status: response.status }
  const body = await response.json().catch(() => undefined)
  if (typeof body?.error?.message === 'string') detail.message = body.error.message
  if (typeof body?.error?.code === 'string') detail.apiCode = body.error.code
  return new CallProblem(code, detail)
}
