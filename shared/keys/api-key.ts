/**
 * API keys as a deployment knows them: by their hash, with what each of them may do (docs/client-secrets.md).
 *
 *     sk-<base64url(32 random bytes)>
 *
 * A key has 256 bits of entropy, so one SHA-256 hides it as well as a slow hash would. Records stand in the
 * Worker's environment and not in the store: whoever can place calls does not depend on the store being up.
 */

import * as v from 'valibot'
import { fromBase64Url, toBase64Url } from '#shared/bytes'

/** The most keys of one deployment: their records fit a Worker's secret of 5 KB. */
export const MAX_API_KEYS = 64

/** The most origins that one key may be held to. */
export const MAX_ORIGINS = 16

/** The random bytes of a key. */
export const API_KEY_BYTES = 32

/** The id of a key: it names the key in logs, in ephemeral keys and in the records of nodes. */
export const apiKeyIdSchema = v.pipe(
  v.string(),
  v.regex(/^[\w.-]{1,32}$/, 'must be 1 to 32 of A-Z a-z 0-9 _ . -'),
)

/** An origin as browsers write it (RFC 6454 section 6.1): scheme, host, and a port that is not the scheme's own. */
const origin = v.pipe(
  v.string(),
  v.check((text) => originOf(text) === text, 'must be an origin like https://app.example'),
)

const hash = v.pipe(
  v.string(),
  v.transform(fromBase64Url),
  v.custom<Uint8Array>(
    (bytes) => bytes instanceof Uint8Array && bytes.length === 32,
    'must be a SHA-256 in base64url',
  ),
)

/** What is known of one key. */
export const apiKeySchema = v.object({
  id: apiKeyIdSchema,
  sha256: hash,
  /** The pages that may use the key, and ephemeral keys minted with it; any page when absent. */
  origins: v.optional(v.pipe(v.array(origin), v.minLength(1), v.maxLength(MAX_ORIGINS), v.readonly())),
  /** Calls under way at once, of the key and of ephemeral keys minted with it; unlimited when absent. */
  maxCalls: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
})

/** Every key of a deployment, as `FIRSTHOP_API_KEYS` lists them. */
export const apiKeysSchema = v.pipe(
  v.array(apiKeySchema),
  v.maxLength(MAX_API_KEYS),
  v.check((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'has an id twice'),
  v.readonly(),
)

/** What is known of one key. */
export type ApiKey = v.InferOutput<typeof apiKeySchema>

/** Returns the key that `random`, 32 unpredictable bytes, makes. */
export function apiKeyOf(random: Uint8Array): string {
  if (random.length !== API_KEY_BYTES) throw new RangeError(`an API key has ${API_KEY_BYTES} random bytes`)
  return `sk-${toBase64Url(random)}`
}

/** Tells whether a request from a page of `origin` may use `key`; requests of other programs carry no origin. */
export function allowsOrigin(key: ApiKey, origin: string | undefined): boolean {
  return key.origins === undefined || origin === undefined || key.origins.includes(origin)
}

function originOf(text: string): string | undefined {
  return /^https?:\/\/[a-z\d.-]+(?::\d{1,5})?$|^https?:\/\/\[[\da-f:]+\](?::\d{1,5})?$/.exec(text)?.[0]
}
