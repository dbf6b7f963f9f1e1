/**
 * Places a call: steers it, then asks the ranked transceivers one after the other until one takes it.
 *
 * A transceiver that is full, draining, gone or broken costs one attempt within a time budget. What a transceiver
 * finds wrong with the request itself would be wrong at the next one too, so it goes to the client.
 */

import type { PlaceCallRequest, PlaceCallResponse, SessionConfig } from '#shared/control/messages'
import type { TransceiverRecord } from '#shared/fleet/record'
import { steer } from '#shared/fleet/steer'
import type { ClientPlace, Steering, SteeringFault } from '#shared/fleet/steer'
import { MAX_FAULT_LENGTH } from '#shared/fleet/steering-record'
import type { Attempt, SteeringReasons, SteeringRecord } from '#shared/fleet/steering-record'
import type { ApiKey } from '#shared/keys/api-key'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import type { Edge } from './edge.ts'
import { refusal } from './errors.ts'
import type { KeepAlive } from './fleet.ts'
import { ControlError, passOn } from './transceivers.ts'

export interface CallOrder {
  readonly requestId: string
  readonly apiKey: ApiKey | undefined
  readonly offer: string
  readonly session: SessionConfig | undefined
  readonly channelId: number | undefined
  readonly place: ClientPlace
}

export interface PlacedCall extends PlaceCallResponse {
  readonly relays: Steering['relays']
  readonly steering: SteeringRecord
  /** Milliseconds to choose the nodes, and then until one had answered. */
  readonly steerMillis: number
  readonly transceiverMillis: number
}

/** Places the call that `order` describes; rejects with an `ApiError` when nobody takes it. */
export async function placeCall(order: CallOrder, edge: Edge, keepAlive: KeepAlive): Promise<PlacedCall> {
  const log = edge.log.with({ requestId: order.requestId })
  const startedAt = monotonicNow()
  const steering = await steerCall(order, edge, keepAlive)
  const steeredAt = monotonicNow()
  const { requestId, offer, session, channelId, apiKey } = order
  const { relays, transceivers, reasons } = steering
  const owner = apiKey && { apiKeyId: apiKey.id }
  const channel = channelId === undefined ? {} : { channelId }
  const request = { requestId, offer, relays, ...owner, ...channel, ...(session && { session }) }
  const { placed, record } = await offerInTurn(transceivers, request, reasons, edge, log)
  edge.callCap.note(apiKey, placed.node.id, epochNow())
  const times = { steerMillis: steeredAt - startedAt, transceiverMillis: monotonicNow() - steeredAt }
  const { placedBy, attempts } = record
  const asked = { placedBy, attempts: attempts.length + 1 }
  log.info('A call is placed', { transceiver: placed.node.id, relay: relays[0]?.id, ...asked, ...times })
  return { ...placed, relays, steering: record, ...times }
}

async function steerCall({ place, apiKey }: CallOrder, edge: Edge, keepAlive: KeepAlive): Promise<Steering> {
  const fleet = await edge.fleet.snapshot(keepAlive)
  if (!fleet) throw refusal('fleet-unknown', 'The fleet is not known yet; try again in a moment.')
  if (!edge.callCap.hasRoom(apiKey, fleet, epochNow())) {
    throw refusal('too-many-calls', `This key has all of its ${apiKey?.maxCalls} calls under way.`)
  }
  const steering = steer(place, fleet)
  if (typeof steering === 'string') throw refusal(steering, SENTENCE_BY_STEERING_FAULT[steering])
  return steering
}

async function offerInTurn(
  transceivers: readonly TransceiverRecord[],
  request: PlaceCallRequest,
  reasons: SteeringReasons,
  edge: Edge,
  log: Log,
): Promise<{ readonly placed: PlaceCallResponse; readonly record: SteeringRecord }> {
  const deadline = monotonicNow() + BUDGET
  const attempts: Attempt[] = []
  for (const transceiver of transceivers) {
    const timeout = Math.min(ATTEMPT_TIMEOUT, deadline - monotonicNow())
    if (timeout <= 0) break
    try {
      const record = { ...reasons, attempts: [...attempts] }
      const placed = await edge.transceivers.placeCall(transceiver, { ...request, steering: record }, timeout)
      return { placed, record }
    } catch (error) {
      if (!(error instanceof ControlError)) throw error
      log.warn('A transceiver did not take the call', { transceiver: transceiver.id, error })
      if (error.isClientsFault) throw passOn(error)
      const fault = (error.refusal?.code ?? error.code).slice(0, MAX_FAULT_LENGTH)
      attempts.push({ id: transceiver.id, fault })
    }
  }
  throw refusal('transceiver-unreachable', 'No transceiver took the call; try again in a moment.')
}

const SENTENCE_BY_STEERING_FAULT: Readonly<Record<SteeringFault, string>> = {
  'no-relay': 'No relay is in service; try again in a moment.',
  'no-transceiver': 'No transceiver is in service; try again in a moment.',
  full: 'Every node is full; try again in a moment.',
}

/** How long one transceiver may take, in milliseconds: a round trip around the world, and its own work, twice. */
const ATTEMPT_TIMEOUT = 2_000

/** How long a client is kept waiting while transceivers are tried, in milliseconds. */
const BUDGET = 5_000
