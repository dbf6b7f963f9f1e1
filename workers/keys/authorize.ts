/** Who may do what: an API key may do everything, an ephemeral key may place calls and hang them up. */

import type { SessionConfig } from '#shared/control/messages'
import { epochNow } from '#shared/platform/clock'
import type { Edge } from '../edge.ts'
import { refusal } from '../errors.ts'
import { isApiKey } from './api-key.ts'

export interface Caller {
  /** What sessions of this caller start from. */
  readonly session: SessionConfig | undefined
}

/** Lets in the holder of either kind of key. */
export function authorizeCaller(authorization: string | undefined, edge: Edge): Caller {
  const key = bearerOf(authorization)
  if (key?.startsWith('ek_')) return { session: sessionOfSecret(key, edge) }
  requireApiKey(key, edge)
  return { session: undefined }
}

/** Lets in the holder of an API key, and whoever comes without any key when the deployment is an open demo. */
export function authorizeMinting(authorization: string | undefined, edge: Edge): void {
  if (authorization === undefined && edge.env.isOpenDemo) return
  requireApiKey(bearerOf(authorization), edge)
}

function sessionOfSecret(key: string, edge: Edge): SessionConfig | undefined {
  const secret = edge.clientSecrets.verify(key, epochNow())
  if (typeof secret !== 'string') return secret.session
  const isExpired = secret === 'secret-expired'
  throw refusal(
    secret,
    isExpired ? 'The ephemeral key has expired; mint a new one.' : 'The ephemeral key is not valid.',
  )
}

function requireApiKey(key: string | undefined, edge: Edge): void {
  if (key === undefined) throw refusal('api-key-missing', 'Send a key as `Authorization: Bearer <key>`.')
  if (!isApiKey(key, edge.env.apiKeyHashes)) throw refusal('api-key-invalid', 'The API key is not valid.')
}

function bearerOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
}

/** RFC 6750 section 2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i
