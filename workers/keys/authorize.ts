/**
 * Who may do what: an API key may do everything, an ephemeral key may place calls and change those it knows.
 *
 * Every request counts against a rate, before anything else is done for it: those with an API key against the
 * key's, all others against their client's, wrong keys among them.
 */

import type { Context } from 'hono'
import type { SessionConfig } from '#shared/control/messages'
import { allowsOrigin } from '#shared/keys/api-key'
import type { ApiKey } from '#shared/keys/api-key'
import { epochNow } from '#shared/platform/clock'
import type { EdgeContext } from '../edge.ts'
import { refusal } from '../errors.ts'
import { limitClient, limitKey } from './rate-limit.ts'

export interface Caller {
  /** The key that was sent, or that minted the ephemeral key that was sent; none in an open demo. */
  readonly apiKey: ApiKey | undefined
  /** What sessions of this caller start from. */
  readonly session: SessionConfig | undefined
}

/** Lets in the holder of either kind of key. */
export async function authorizeCaller(context: Context<EdgeContext>): Promise<Caller> {
  const key = bearerOf(context)
  if (!key?.startsWith('ek_')) return { apiKey: await requireApiKey(context, key), session: undefined }
  await limitClient(context)
  const caller = openEphemeralKey(context, key)
  requireOrigin(context, caller.apiKey)
  return caller
}

/** Lets in the holder of an API key. */
export function authorizeServer(context: Context<EdgeContext>): Promise<ApiKey> {
  return requireApiKey(context, bearerOf(context))
}

/** Lets in the holder of an API key, and whoever comes without any key when the deployment is an open demo. */
export async function authorizeMinting(context: Context<EdgeContext>): Promise<ApiKey | undefined> {
  const isAnonymous = context.req.header('authorization') === undefined
  if (!isAnonymous || !context.var.edge.env.isOpenDemo) return authorizeServer(context)
  await limitClient(context)
  return undefined
}

async function requireApiKey(context: Context<EdgeContext>, text: string | undefined): Promise<ApiKey> {
  const apiKey = text === undefined ? undefined : context.var.edge.apiKeys.ofText(text)
  if (apiKey === undefined) {
    await limitClient(context)
    throw text === undefined
      ? refusal('api-key-missing', 'Send a key as `Authorization: Bearer <key>`.')
      : refusal('api-key-invalid', 'The API key is not valid.')
  }
  await limitKey(context, apiKey)
  requireOrigin(context, apiKey)
  return apiKey
}

function openEphemeralKey(context: Context<EdgeContext>, text: string): Caller {
  const { clientSecrets, apiKeys } = context.var.edge
  const secret = clientSecrets.verify(text, epochNow())
  if (secret === 'secret-expired') throw refusal(secret, 'The ephemeral key has expired; mint a new one.')
  if (typeof secret === 'string') throw refusal(secret, 'The ephemeral key is not valid.')
  const { apiKeyId, session } = secret
  const apiKey = apiKeyId === undefined ? undefined : apiKeys.ofId(apiKeyId)
  if (apiKeyId === undefined || apiKey !== undefined) return { apiKey, session }
  throw refusal('api-key-invalid', 'The API key that minted this ephemeral key is no longer valid.')
}

function requireOrigin(context: Context<EdgeContext>, apiKey: ApiKey | undefined): void {
  if (apiKey === undefined || allowsOrigin(apiKey, context.req.header('origin'))) return
  throw refusal('origin-not-allowed', 'This key may not be used on this page.')
}

function bearerOf(context: Context<EdgeContext>): string | undefined {
  return BEARER.exec(context.req.header('authorization') ?? '')?.[1]
}

/** RFC 6750 section 2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i
