/** The HTTP side of a call, as any OpenAI-compatible client speaks it: mint a key, post the offer, hang up. */

import { CallError } from './call-error.ts'

/** A call that the server has answered. */
export interface PlacedCall {
  readonly answer: string
  /** URL of the call resource. */
  readonly location: string
  /** The relays that the answer offers, best first, as far as the server says. */
  readonly relay: string | undefined
  readonly region: string | undefined
}

/** A server that speaks the Realtime calls API. */
export class CallsApi {
  readonly #url: string
  #key: string | undefined

  /** `key` is an API key or an ephemeral one (`ek_…`); a local server mints without. */
  constructor(url: string, key: string | undefined) {
    this.#url = url
    this.#key = key
  }

  /** Exchanges the API key, or none, for an ephemeral key. */
  async authorize(): Promise<void> {
    if (this.#key?.startsWith('ek_') === true) return
    const headers = { ...this.#authorization(), 'Content-Type': 'application/json' }
    const response = await this.#post('/v1/realtime/client_secrets', { headers, body: '{}' })
    const { value } = (await response.json()) as { value?: unknown }
    if (typeof value !== 'string') throw new CallError('refused', `${this.#url} minted no key`)
    this.#key = value
  }

  /** Posts the SDP offer. */
  async placeCall(offer: string): Promise<PlacedCall> {
    const headers = { ...this.#authorization(), 'Content-Type': 'application/sdp' }
    const response = await this.#post('/v1/realtime/calls', { headers, body: offer })
    return {
      answer: await response.text(),
      location: response.headers.get('Location') ?? '',
      relay: firstOf(response.headers.get('Firsthop-Relay')),
      region: firstOf(response.headers.get('Firsthop-Region')),
    }
  }

  /** Ends the call at `location`. */
  async hangUp(location: string): Promise<void> {
    await this.#post(`${location}/hangup`, { headers: this.#authorization() })
  }

  #authorization(): Record<string, string> {
    return this.#key === undefined ? {} : { Authorization: `Bearer ${this.#key}` }
  }

  async #post(path: string, init: { headers: Record<string, string>; body?: string }): Promise<Response> {
    const url = new URL(path, this.#url)
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT)
    const response = await fetch(url, { ...init, method: 'POST', signal }).catch((error: unknown) => {
      throw new CallError('unreachable', `${url.origin} cannot be reached: is it running? (npm start)`, error)
    })
    if (response.ok) return response
    throw new CallError(
      'refused',
      `${url.pathname} was refused: ${response.status} ${await reasonOf(response)}`,
    )
  }
}

function firstOf(list: string | null): string | undefined {
  return list?.split(',')[0]?.trim()
}

/** Errors have the API's shape, `{error: {message, type, code, param}}`; anything else is shown as it is. */
async function reasonOf(response: Response): Promise<string> {
  const body = await response.text()
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string; code?: string | null } }
    if (error?.message !== undefined) return `${error.message} (${error.code ?? 'no code'})`
  } catch {
    return body.slice(0, 200)
  }
  return body.slice(0, 200)
}

const REQUEST_TIMEOUT = 15_000
