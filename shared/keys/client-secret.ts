/**
 * Client secrets: short-lived keys that let a browser place calls (docs/client-secrets.md).
 *
 *     ek_<base64url(payload)>.<base64url(HMAC-SHA256(key, "ek_" + base64url(payload)))>
 *
 * The payload is JSON: an id for logs, the key that signed it, the API key that minted it, when it expires, and the
 * session configuration that calls made with it start from. Nothing is stored, so a secret serves any number of calls until it expires and
 * cannot be revoked but with its key. It is signed, not encrypted: its holder can read the configuration.
 */

import * as v from 'valibot'
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '#shared/bytes'
import { sessionConfigSchema } from '#shared/control/messages'
import type { Mac } from '#shared/control/signature'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'
import { apiKeyIdSchema } from './api-key.ts'

/** The shortest life of a secret that may be asked for, as in the OpenAI API (`expires_after.seconds`). */
export const MIN_SECRET_LIFE_SECONDS = 10

/** The longest life of a secret, as in the OpenAI API. */
export const MAX_SECRET_LIFE_SECONDS = 7_200

/** The life of a secret if none is asked for, as in the OpenAI API. */
export const DEFAULT_SECRET_LIFE_SECONDS = 600

/** The largest payload: as base64url it fits a header line of 16 KB, the least that Node and Cloudflare take. */
export const MAX_SECRET_PAYLOAD_BYTES = 10_240

const clientSecretSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  keyId: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  expiresAt: v.pipe(v.number(), v.safeInteger(), v.transform(epochSecondsOf)),
  apiKeyId: v.optional(apiKeyIdSchema),
  session: v.optional(sessionConfigSchema),
})

/** What a client secret says: who it is, the keys behind it, and the session that it opens. */
export type ClientSecret = v.InferOutput<typeof clientSecretSchema>

export type ClientSecretFault =
  | 'secret-malformed'
  | 'secret-too-large'
  | 'secret-unknown-key'
  | 'secret-forged'
  | 'secret-expired'
  | 'secret-life'

/** The text of a minted secret. */
export interface MintedSecret {
  readonly value: string
}

/**
 * Signs `secret` with `mac`, the key that `secret.keyId` names.
 *
 * A configuration that does not fit gives 'secret-too-large', an expiry outside the bounds 'secret-life'.
 */
export function mintClientSecret(
  secret: ClientSecret,
  mac: Mac,
  now: EpochSeconds,
): MintedSecret | ClientSecretFault {
  const life = secret.expiresAt - now
  if (!(life >= MIN_SECRET_LIFE_SECONDS && life <= MAX_SECRET_LIFE_SECONDS)) return 'secret-life'
  const payload = utf8(JSON.stringify(secret))
  if (payload.length > MAX_SECRET_PAYLOAD_BYTES) return 'secret-too-large'
  const signed = PREFIX + toBase64Url(payload)
  return { value: `${signed}.${toBase64Url(mac(utf8(signed)))}` }
}

/** Returns what `text` says if a key of ours signed it and it has not expired. */
export function verifyClientSecret(
  text: string,
  macsByKeyId: ReadonlyMap<string, Mac>,
  now: EpochSeconds,
): ClientSecret | ClientSecretFault {
  if (text.length > MAX_SECRET_LENGTH) return 'secret-too-large'
  const [, signed = '', payload = '', code = ''] = TOKEN.exec(text) ?? []
  const secret = parsePayload(fromBase64Url(payload))
  const claimed = fromBase64Url(code)
  if (secret === undefined || claimed === undefined) return 'secret-malformed'
  const mac = macsByKeyId.get(secret.keyId)
  if (mac === undefined) return 'secret-unknown-key'
  if (!equalBytes(claimed, mac(utf8(signed)))) return 'secret-forged'
  return secret.expiresAt <= now ? 'secret-expired' : secret
}

/** The payload is read before its code is checked, since it names the key; its size is bounded by then. */
function parsePayload(payload: Uint8Array | undefined): ClientSecret | undefined {
  const parsed = v.safeParse(payloadTextSchema, payload && fromUtf8(payload))
  return parsed.success ? parsed.output : undefined
}

const payloadTextSchema = v.pipe(v.string(), v.parseJson(), clientSecretSchema)

/** The prefix of the OpenAI API, which its SDKs look for in a browser. */
const PREFIX = 'ek_'

/** What is signed, the payload in it, and the 32 bytes of its code. */
const TOKEN = /^(ek_([\w-]+))\.([\w-]{43})$/

/** The prefix, the payload and the code of 32 bytes in base64url, and the dot. */
const MAX_SECRET_LENGTH = PREFIX.length + Math.ceil((MAX_SECRET_PAYLOAD_BYTES * 4) / 3) + 1 + 43
