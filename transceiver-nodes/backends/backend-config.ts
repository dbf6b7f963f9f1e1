/** Reads where the backend is from environment variables: docs/backends.md. No value is ever quoted: they hold secrets. */

import type { Environment } from '#shared/platform/environment'
import type { RealtimeTarget } from './realtime.ts'

/** Reads the target; undefined, without a URL, is the embedded agent. Mistakes are noted in `environment`. */
export function readBackendConfig(environment: Environment): RealtimeTarget | undefined {
  const url = environment.optionalText('FIRSTHOP_BACKEND_URL')
  if (url === '') return undefined
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) {
    environment.fault('FIRSTHOP_BACKEND_URL', 'must be a ws or wss URL')
  }
  const key = environment.optionalText('FIRSTHOP_BACKEND_KEY')
  if (!FIELD_VALUE.test(key)) environment.fault('FIRSTHOP_BACKEND_KEY', 'must be one line of ASCII')
  return {
    url,
    headers: { ...(key !== '' && { Authorization: `Bearer ${key}` }), ...readHeaders(environment) },
    takesOpus: environment.oneOf('FIRSTHOP_BACKEND_OPUS', ['true', 'false'], 'false') === 'true',
  }
}

function readHeaders(environment: Environment): Readonly<Record<string, string>> {
  const text = environment.optionalText('FIRSTHOP_BACKEND_HEADERS')
  if (text === '') return {}
  const headers = parseJson(text)
  if (isHeaders(headers)) return headers
  environment.fault('FIRSTHOP_BACKEND_HEADERS', 'must be a JSON object such as {"api-key":"…"}')
  return {}
}

function isHeaders(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, content]) => TOKEN.test(name) && typeof content === 'string' && FIELD_VALUE.test(content),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A field name, RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** A field value in ASCII, RFC 9110 section 5.5. */
const FIELD_VALUE = /^[\t\x20-\x7e]*$/
