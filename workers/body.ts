/** Reading a request's body: its type, its size, its form. Whatever is wrong ends the request with a refusal. */

import { bodyLimit } from 'hono/body-limit'
import type { HonoRequest } from 'hono'
import * as v from 'valibot'
import { refusal } from './errors.ts'

/** Bounds the body of every request behind it. */
export const limitBody = bodyLimit({
  maxSize: 128 * 1024,
  onError: () => {
    throw refusal('request-too-large', 'The body is larger than 128 KB.')
  },
})

/** Returns the media type of the body, in lower case and without parameters; empty when none is given. */
export function mediaTypeOf(request: HonoRequest): string {
  return request.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** Reads JSON `text`; `param` is the field of the request that it came in. */
export function parseJson(text: string, param?: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refusal('request-malformed', 'The body is not valid JSON.', param)
  }
}

/** Returns `value` as `schema` has it; a refusal names the first field at fault, below `param`. */
export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  param?: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const path = [param, v.getDotPath(issue)].filter((part) => part).join('.')
  throw refusal('request-malformed', issue.message, path || undefined)
}
