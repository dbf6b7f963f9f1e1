/** Hangs up a call: its id is its route, so the transceiver is found with no look-up but the snapshot's. */

import { ownsRoute } from '#shared/fleet/media-threads'
import type { TransceiverRecord } from '#shared/fleet/record'
import { epochNow } from '#shared/platform/clock'
import { minutesOf, parseUfrag, ufragOf } from '#shared/ufrag/route'
import type { Edge } from './edge.ts'
import { refusal } from './errors.ts'
import type { ApiError } from './errors.ts'
import type { KeepAlive } from './fleet.ts'
import { ControlError, passOn } from './transceivers.ts'

/** Ends the call `callId`; rejects with an `ApiError` when there is none, or its transceiver does not answer. */
export async function hangUp(
  callId: string,
  requestId: string,
  edge: Edge,
  keepAlive: KeepAlive,
): Promise<void> {
  const transceiver = await findTransceiver(callId, edge, keepAlive)
  try {
    await edge.transceivers.hangUp(transceiver, callId, { requestId }, TIMEOUT)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    edge.log.warn('A transceiver did not hang up', { requestId, transceiver: transceiver.id, error })
    throw error.isClientsFault
      ? passOn(error)
      : refusal(
          'transceiver-unreachable',
          'The transceiver of this call does not answer; try again in a moment.',
        )
  }
}

async function findTransceiver(callId: string, edge: Edge, keepAlive: KeepAlive): Promise<TransceiverRecord> {
  const ufrag = ufragOf(callId)
  const route = ufrag === undefined ? undefined : parseUfrag(ufrag, edge.routeKeys, minutesOf(epochNow()))
  if (route === undefined || typeof route === 'string') throw unknownCall()
  const fleet = await edge.fleet.snapshot(keepAlive)
  if (!fleet) throw refusal('fleet-unknown', 'The fleet is not known yet; try again in a moment.')
  const owner = fleet.transceivers.find((node) => ownsRoute(node, route))
  if (!owner) throw unknownCall()
  return owner
}

function unknownCall(): ApiError {
  return refusal('call-unknown', 'There is no such call, or it has ended.')
}

/** In milliseconds: a round trip around the world, and the transceiver's own work, twice. */
const TIMEOUT = 2_000
