/**
 * Why a call was steered as it was: the record of the decision (docs/steering.md).
 *
 * It goes to the transceiver with the call, and to the client on a developer's machine. The client's own place is
 * not in it.
 */

import * as v from 'valibot'

/** The longest name of a fault in a record; a foreign one may be longer. */
export const MAX_FAULT_LENGTH = 64

const name = v.pipe(v.string(), v.maxLength(MAX_FAULT_LENGTH))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** One chosen node, and why it was chosen. */
export const choiceReasonSchema = v.object({
  id: name,
  region: name,
  reason: v.picklist([
    'nearest',
    'least-loaded',
    'another-region',
    'another-cluster',
    'same-region',
    'ipv6',
    'next',
  ]),
  /** From the client to a relay, or from the first relay to a transceiver; absent if nobody knows. */
  distanceKm: v.optional(count),
  /** The part of the capacity in use, from 0 to 1. */
  load: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
})

/** Why a call was steered as it was. */
export const steeringReasonsSchema = v.object({
  placedBy: v.picklist(['coordinates', 'country', 'continent', 'load']),
  relays: v.pipe(v.array(choiceReasonSchema), v.maxLength(2), v.readonly()),
  transceivers: v.pipe(v.array(choiceReasonSchema), v.maxLength(3), v.readonly()),
  /** Nodes that were passed over. */
  draining: count,
  full: count,
})

/** A transceiver that was asked before the one that took the call, and why it did not. */
export const attemptSchema = v.object({ id: name, fault: name })

/** The most that are asked in vain before one that takes the call: three choices of a snapshot, two of the next. */
export const MAX_ATTEMPTS = 5

/** The record of a decision: the reasons, and who was asked in vain. */
export const steeringRecordSchema = v.object({
  ...steeringReasonsSchema.entries,
  attempts: v.pipe(v.array(attemptSchema), v.maxLength(MAX_ATTEMPTS), v.readonly()),
})

export type ChoiceReason = v.InferOutput<typeof choiceReasonSchema>
export type SteeringReasons = v.InferOutput<typeof steeringReasonsSchema>
export type Attempt = v.InferOutput<typeof attemptSchema>
export type SteeringRecord = v.InferOutput<typeof steeringRecordSchema>
