/**
 * Session configurations on their way to a transceiver: only their outline is checked here, the rest is the
 * backend's business.
 */

import * as v from 'valibot'
import type { SessionConfig } from '#shared/control/messages'

/** What is checked of a configuration: its type, which may be left out. */
export const sessionOutlineSchema = v.looseObject({
  type: v.optional(v.literal('realtime', 'Only sessions of the type "realtime" can be had here.')),
})

/** A configuration as a client sends it. */
export const sessionSchema = v.pipe(
  v.custom<SessionConfig>(isJsonObject, 'A session configuration is a JSON object.'),
  sessionOutlineSchema,
)

/** Returns `base` with what `changes` names: objects merge, everything else is replaced, as in `session.update`. */
export function mergeSession(
  base: SessionConfig | undefined,
  changes: SessionConfig | undefined,
): SessionConfig | undefined {
  if (!base || !changes) return changes ?? base
  const merged: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(changes)) {
    const former = Object.hasOwn(base, name) ? base[name] : undefined
    merged[name] = isJsonObject(former) && isJsonObject(value) ? mergeSession(former, value) : value
  }
  return merged
}

/** Tells whether `value` is an object with fields, as opposed to an array, `null` or a scalar. */
export function isJsonObject(value: unknown): value is SessionConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
