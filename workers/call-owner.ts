/** The transceiver of a call: its id is its route, so there is nothing to look up but the snapshot's record. */

import { ownsRoute } from '#shared/fleet/media-threads'
import type { TransceiverRecord } from '#shared/fleet/record'
import { epochNow } from '#shared/platform/clock'
import { minutesOf, parseUfrag, ufragOf } from '#shared/ufrag/route'
import type { Edge } from './edge.ts'
import { refusal } from './errors.ts'
import type { ApiError } from './errors.ts'
import type { KeepAlive } from './fleet.ts'
import { ControlError, passOn } from './transceivers.ts'

/** A request about a call, and what serves it. */
export interface CallErrand {
  readonly callId: string
  readonly requestId: string
  readonly edge: Edge
  readonly keepAlive: KeepAlive
}

/** How long a transceiver may take, in milliseconds: a round trip around the world, and its own work, twice. */
export const ERRAND_TIMEOUT = 2_000

/** Has `run` ask the transceiver of a call; rejects with an `ApiError` when there is none, or it does not do it. */
export async function askOwner<Answer>(
  errand: CallErrand,
  run: (owner: TransceiverRecord) => Promise<Answer>,
): Promise<Answer> {
  const owner = await findOwner(errand)
  try {
    return await run(owner)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    const { edge, requestId } = errand
    edge.log.warn('A transceiver did not do as it was asked', { requestId, transceiver: owner.id, error })
    throw error.isClientsFault ? passOn(error) : unreachable()
  }
}

async function findOwner({ callId, edge, keepAlive }: CallErrand): Promise<TransceiverRecord> {
  const route = parseUfrag(ufragOf(callId) ?? '', edge.routeKeys, minutesOf(epochNow()))
  if (typeof route === 'string') throw unknownCall()
  const fleet = await edge.fleet.snapshot(keepAlive)
  if (!fleet) throw refusal('fleet-unknown', 'The fleet is not known yet; try again in a moment.')
  const owner = fleet.transceivers.find((node) => ownsRoute(node, route))
  if (!owner) throw unknownCall()
  return owner
}

function unknownCall(): ApiError {
  return refusal('call-unknown', 'There is no such call, or it has ended.')
}

function unreachable(): ApiError {
  return refusal(
    'transceiver-unreachable',
    'The transceiver of this call does not answer; try again in a moment.',
  )
}
