/**
 * The Worker's environment: variables and secrets as Cloudflare binds them, read and checked once per isolate.
 *
 * docs/api.md lists them. Every mistake is reported, so that one deployment is enough to see them all.
 */

import * as v from 'valibot'
import { fromHex } from '#shared/bytes'
import { apiKeysSchema } from '#shared/keys/api-key'
import type { ApiKey } from '#shared/keys/api-key'
import { parseKeyList } from '#shared/keys/key-list'
import type { ListedKeys } from '#shared/keys/key-list'
import type { RateLimit } from './keys/rate-limit.ts'

export interface WorkerEnv {
  readonly store: { readonly url: string; readonly token: string }
  readonly routeKeys: ListedKeys
  readonly controlKey: Uint8Array
  /** Sign ephemeral keys. */
  readonly secretKeys: ListedKeys
  readonly apiKeys: readonly ApiKey[]
  /** Whether anybody may mint an ephemeral key without an API key. */
  readonly isOpenDemo: boolean
  /** Whether this is a developer's machine, where a request may say where it comes from. */
  readonly isLocal: boolean
  /** Limits the requests with one API key. */
  readonly keyRate: RateLimit | undefined
  /** Limits the requests of one client that come without an API key. */
  readonly clientRate: RateLimit | undefined
}

/** Reads `bindings`, or returns a sentence for each mistake in them; no sentence quotes a value. */
export function readEnv(bindings: unknown): WorkerEnv | readonly string[] {
  const parsed = v.safeParse(bindingsSchema, bindings)
  return parsed.success ? parsed.output : parsed.issues.map(describeIssue)
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue)
  if (name === null) return issue.message
  return issue.kind === 'schema' && issue.input === undefined && issue.type !== 'custom'
    ? `${name} is missing`
    : `${name} ${issue.message}`
}

function keyList(keyBytes: number, maxId: number) {
  const message = `must be a list like 0:<hex>,1:<hex>, of ${keyBytes}-byte keys with ids up to ${maxId}`
  return v.pipe(
    v.string(),
    v.transform((text) => parseKeyList(text, keyBytes, maxId)),
    v.custom<ListedKeys>((keys) => typeof keys === 'object', message),
  )
}

function hexBytes(bytes: number) {
  return v.pipe(
    v.string(),
    v.transform((text) => fromHex(text.trim())),
    v.custom<Uint8Array>(
      (value) => value instanceof Uint8Array && value.length === bytes,
      `must be ${2 * bytes} hexadecimal digits`,
    ),
  )
}

const apiKeys = v.pipe(v.string(), v.parseJson(undefined, 'must be a JSON array of keys'), apiKeysSchema)

/** A binding is an object of the runtime's; only a Worker that has it in its wrangler.toml gets one. */
const rateLimit = v.optional(
  v.custom<RateLimit>((value) => typeof value === 'object' && value !== null && 'limit' in value),
)

/** Cloudflare's bindings are strings; an absent one is `undefined`. */
const bindingsSchema = v.pipe(
  v.object({
    UPSTASH_REDIS_REST_URL: v.pipe(v.string(), v.regex(/^https?:\/\/\S+$/, 'must be an http or https URL')),
    UPSTASH_REDIS_REST_TOKEN: v.pipe(v.string(), v.nonEmpty('is empty')),
    FIRSTHOP_ROUTE_KEYS: keyList(16, 14),
    FIRSTHOP_CONTROL_KEY: hexBytes(32),
    FIRSTHOP_SECRET_KEYS: keyList(32, 255),
    FIRSTHOP_API_KEYS: v.optional(apiKeys, '[]'),
    FIRSTHOP_OPEN_DEMO: v.optional(v.picklist(['true', 'false'], 'must be true or false'), 'false'),
    ENVIRONMENT: v.optional(v.picklist(['local', 'production'], 'must be local or production'), 'production'),
    KEY_RATE: rateLimit,
    CLIENT_RATE: rateLimit,
  }),
  v.check(
    (env) => env.FIRSTHOP_API_KEYS.length > 0 || env.FIRSTHOP_OPEN_DEMO === 'true',
    'FIRSTHOP_API_KEYS is empty and FIRSTHOP_OPEN_DEMO is not true: nobody could place a call',
  ),
  v.transform((env): WorkerEnv => ({
    store: { url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN },
    routeKeys: env.FIRSTHOP_ROUTE_KEYS,
    controlKey: env.FIRSTHOP_CONTROL_KEY,
    secretKeys: env.FIRSTHOP_SECRET_KEYS,
    apiKeys: env.FIRSTHOP_API_KEYS,
    isOpenDemo: env.FIRSTHOP_OPEN_DEMO === 'true',
    isLocal: env.ENVIRONMENT === 'local',
    keyRate: env.KEY_RATE,
    clientRate: env.CLIENT_RATE,
  })),
)
