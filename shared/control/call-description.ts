/**
 * What a transceiver says of a call that it has: docs/control.md.
 *
 * A reader takes what it knows and passes on the rest, so that a newer transceiver may say more.
 */

import * as v from 'valibot'
import { steeringRecordSchema } from '#shared/fleet/steering-record'

const name = v.pipe(v.string(), v.maxLength(64))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** A call: how far it has come, which way it goes, and why it was steered so. */
export const callDescriptionSchema = v.looseObject({
  /** `connecting` until DTLS is up. */
  state: v.picklist(['connecting', 'connected']),
  /** Seconds since 1970. */
  placedAt: count,
  requestId: name,
  apiKeyId: v.optional(name),
  /** How often ICE was restarted. */
  restarts: count,
  /** Milliseconds since the offer reached the transceiver, by step; null for what has not happened. */
  timeline: v.record(v.string(), v.nullable(v.number())),
  /** The nodes that the call goes through now, once there is a way. */
  path: v.optional(v.record(v.string(), v.unknown())),
  steering: v.optional(steeringRecordSchema),
})

/** What is known of a call. */
export type CallDescription = v.InferOutput<typeof callDescriptionSchema>
