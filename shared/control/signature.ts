/**
 * Signs control requests and checks the signatures (docs/control.md).
 *
 *     Authorization: Firsthop <base64url(payload)>.<base64url(HMAC-SHA256(key, "Firsthop " + base64url(payload)))>
 *
 * The payload is JSON: the node that the request is for, its method and path, the SHA-256 of its body, when it was
 * signed, and a nonce. All nodes share one key, so the node's id stands in the payload: a request seen by one
 * node is worthless at another. Encryption is the transport's business.
 */

import * as v from 'valibot'
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '#shared/bytes'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'

/** How long a signature is good for after it was made. */
export const SIGNATURE_LIFE_SECONDS = 30

/** How far the clocks of signer and verifier may stand apart. */
export const CLOCK_SKEW_SECONDS = 5

/** What is signed: a request to one node, by the node's id. */
export interface SignedRequest {
  readonly node: string
  readonly method: string
  /** The path as it stands in the request line, query included. */
  readonly path: string
  readonly body: Uint8Array
}

/** A message authentication code over a whole message. */
export type Mac = (data: Uint8Array) => Uint8Array

/** The primitives of a signature: HMAC-SHA256 under the control key, and SHA-256. */
export interface SigningKey {
  readonly mac: Mac
  readonly sha256: (data: Uint8Array) => Uint8Array
}

export type SignatureFault =
  | 'signature-absent'
  | 'signature-malformed'
  | 'signature-forged'
  | 'signature-other-request'
  | 'signature-early'
  | 'signature-expired'
  | 'signature-replayed'
  | 'signature-cache-full'

/**
 * Returns the value of the `Authorization` header, scheme included, that signs `request`.
 *
 * `nonce` must never repeat under one key: 16 random bytes in base64url.
 */
export function signRequest(
  request: SignedRequest,
  key: SigningKey,
  nonce: string,
  now: EpochSeconds,
): string {
  const payload: Payload = { ...subjectOf(request, key), issuedAt: now, nonce }
  const encoded = toBase64Url(utf8(JSON.stringify(payload)))
  return `${SCHEME}${encoded}.${toBase64Url(key.mac(utf8(SCHEME + encoded)))}`
}

/**
 * Checks the signatures of the requests to one node, and takes each of them once.
 *
 * Nonces are kept in two generations, each as long as a signature can be accepted, so the two hold
 * every nonce that could come again. A nonce is kept only for a valid signature: nobody without the key can
 * fill the cache, and a full cache refuses rather than forgets.
 */
export class SignatureVerifier {
  readonly #key: SigningKey
  readonly #noncesPerGeneration: number
  #generationStart = 0
  #current = new Set<string>()
  #previous = new Set<string>()

  constructor(key: SigningKey, limits: { readonly noncesPerGeneration: number } = DEFAULT_LIMITS) {
    if (!(limits.noncesPerGeneration > 0)) throw new RangeError('noncesPerGeneration must be positive')
    this.#key = key
    this.#noncesPerGeneration = limits.noncesPerGeneration
  }

  /** Returns why the request with this `Authorization` header is refused, or `undefined` if it may be served. */
  verify(
    request: SignedRequest & { readonly authorization: string | undefined },
    now: EpochSeconds,
  ): SignatureFault | undefined {
    const payload = readPayload(request.authorization, this.#key.mac)
    if (typeof payload === 'string') return payload
    return payloadFault(payload, subjectOf(request, this.#key), now) ?? this.#takeNonce(payload.nonce, now)
  }

  #takeNonce(nonce: string, now: EpochSeconds): SignatureFault | undefined {
    if (now - this.#generationStart >= ACCEPTANCE_SECONDS) {
      this.#previous = this.#current
      this.#current = new Set()
      this.#generationStart = now
    }
    if (this.#current.has(nonce) || this.#previous.has(nonce)) return 'signature-replayed'
    if (this.#current.size >= this.#noncesPerGeneration) return 'signature-cache-full'
    this.#current.add(nonce)
    return undefined
  }
}

function subjectOf(request: SignedRequest, key: SigningKey): Subject {
  const { node, method, path, body } = request
  return { node, method, path, bodySha256: toBase64Url(key.sha256(body)) }
}

function readPayload(authorization: string | undefined, mac: Mac): Payload | SignatureFault {
  if (!authorization?.startsWith(SCHEME)) return 'signature-absent'
  if (authorization.length > MAX_AUTHORIZATION_LENGTH) return 'signature-malformed'
  const [, encoded = '', code = ''] = TOKEN.exec(authorization.slice(SCHEME.length)) ?? []
  const payload = fromBase64Url(encoded)
  const claimed = fromBase64Url(code)
  if (encoded === '' || payload === undefined || claimed === undefined) return 'signature-malformed'
  if (!equalBytes(claimed, mac(utf8(SCHEME + encoded)))) return 'signature-forged'
  return parsePayload(fromUtf8(payload))
}

function parsePayload(text: string | undefined): Payload | SignatureFault {
  const parsed = v.safeParse(payloadTextSchema, text)
  return parsed.success ? parsed.output : 'signature-malformed'
}

function payloadFault(payload: Payload, subject: Subject, now: EpochSeconds): SignatureFault | undefined {
  const { node, method, path, bodySha256, issuedAt } = payload
  const isSame =
    node === subject.node &&
    method === subject.method &&
    path === subject.path &&
    bodySha256 === subject.bodySha256
  if (!isSame) return 'signature-other-request'
  if (issuedAt > now + CLOCK_SKEW_SECONDS) return 'signature-early'
  if (issuedAt + SIGNATURE_LIFE_SECONDS + CLOCK_SKEW_SECONDS < now) return 'signature-expired'
  return undefined
}

type Subject = Omit<Payload, 'issuedAt' | 'nonce'>
type Payload = v.InferOutput<typeof payloadSchema>

const payloadSchema = v.object({
  node: v.string(),
  method: v.string(),
  path: v.string(),
  bodySha256: v.string(),
  issuedAt: v.pipe(v.number(), v.safeInteger(), v.transform(epochSecondsOf)),
  nonce: v.pipe(v.string(), v.minLength(16), v.maxLength(64)),
})

const payloadTextSchema = v.pipe(v.string(), v.parseJson(), payloadSchema)

const SCHEME = 'Firsthop '

/** The payload, and the 32 bytes of its code, in base64url. */
const TOKEN = /^([\w-]+)\.([\w-]{43})$/

/** A node's id, a path and a nonce of the largest sizes fit in twice over. */
const MAX_AUTHORIZATION_LENGTH = 2_048

/** The longest time between the first and the last moment at which one signature is accepted. */
const ACCEPTANCE_SECONDS = SIGNATURE_LIFE_SECONDS + 2 * CLOCK_SKEW_SECONDS

/** Enough for 1,600 requests per second, of about 100 bytes each. */
const DEFAULT_LIMITS = { noncesPerGeneration: 65_536 }
