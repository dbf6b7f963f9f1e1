/**
 * Places a call: steers it, then asks the ranked transceivers one after the other until one takes it.
 *
 * A transceiver that is full, draining, gone or broken costs one attempt within a time budget; when all have cost one,
 * the fleet is read again, for whoever has come since. What a transceiver finds wrong with the request itself would be
 * wrong at the next one too, so it goes to the client.
 */

import type { PlaceCallRequest, PlaceCallResponse, SessionConfig } from '#shared/control/messages'
import type { TransceiverRecord } from '#shared/fleet/record'
import type { FleetSnapshot } from '#shared/fleet/snapshot'
import { steer } from '#shared/fleet/steer'
import type { ClientPlace, Steering, SteeringFault } from '#shared/fleet/steer'
import { MAX_FAULT_LENGTH } from '#shared/fleet/steering-record'
import type { Attempt, SteeringRecord } from '#shared/fleet/steering-record'
import type { ApiKey } from '#shared/keys/api-key'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import type { Millis } from '#shared/time'
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
  const startedAt = monotonicNow()
  const known = await edge.fleet.snapshot(keepAlive)
  if (!known) throw refusal('fleet-unknown', 'The fleet is not known yet; try again in a moment.')
  const placement = new Placement(order, edge, startedAt)
  const outcome = await placement.tryIn(known)
  if (typeof outcome !== 'string') return outcome
  // What is known may be seconds old, and who would take the call have come since.
  const renewed = await edge.fleet.renew(keepAlive)
  const last = renewed ? await placement.tryIn(renewed) : outcome
  if (typeof last !== 'string') return last
  throw refusal(last, SENTENCE_BY_FAULT[last])
}

/** Why nobody has taken a call. */
type PlacementFault = SteeringFault | 'transceiver-unreachable'

/** One call on its way to a transceiver that takes it; none is asked twice. */
class Placement {
  readonly #order: CallOrder
  readonly #edge: Edge
  readonly #log: Log
  readonly #startedAt: Millis
  readonly #knownAt = monotonicNow()
  readonly #attempts: Attempt[] = []

  constructor(order: CallOrder, edge: Edge, startedAt: Millis) {
    this.#order = order
    this.#edge = edge
    this.#log = edge.log.with({ requestId: order.requestId })
    this.#startedAt = startedAt
  }

  /** Steers the call in `fleet`, and offers it to the chosen transceivers one after the other. */
  async tryIn(fleet: FleetSnapshot): Promise<PlacedCall | PlacementFault> {
    const { apiKey, place } = this.#order
    if (!this.#edge.callCap.hasRoom(apiKey, fleet, epochNow())) {
      throw refusal('too-many-calls', `This key has all of its ${apiKey?.maxCalls} calls under way.`)
    }
    const steering = steer(place, fleet)
    if (typeof steering === 'string') return steering
    const isNew = ({ id }: TransceiverRecord) => this.#attempts.every((attempt) => attempt.id !== id)
    for (const transceiver of steering.transceivers.filter(isNew)) {
      const timeout = Math.min(ATTEMPT_TIMEOUT, this.#knownAt + BUDGET - monotonicNow())
      if (timeout <= 0) break
      const placed = await this.#offerTo(transceiver, steering, timeout)
      if (placed !== undefined) return placed
    }
    return 'transceiver-unreachable'
  }

  async #offerTo(
    transceiver: TransceiverRecord,
    { relays, reasons }: Steering,
    timeout: number,
  ): Promise<PlacedCall | undefined> {
    const steering: SteeringRecord = { ...reasons, attempts: [...this.#attempts] }
    try {
      const request = this.#requestVia(relays, steering)
      return this.#note(
        await this.#edge.transceivers.placeCall(transceiver, request, timeout),
        relays,
        steering,
      )
    } catch (error) {
      if (!(error instanceof ControlError)) throw error
      this.#log.warn('A transceiver did not take the call', { transceiver: transceiver.id, error })
      if (error.isClientsFault) throw passOn(error)
      const fault = (error.refusal?.code ?? error.code).slice(0, MAX_FAULT_LENGTH)
      this.#attempts.push({ id: transceiver.id, fault })
      return undefined
    }
  }

  #requestVia(relays: Steering['relays'], steering: SteeringRecord): PlaceCallRequest {
    const { requestId, offer, session, channelId, apiKey } = this.#order
    const owner = apiKey && { apiKeyId: apiKey.id }
    const channel = channelId === undefined ? {} : { channelId }
    return { requestId, offer, relays, steering, ...owner, ...channel, ...(session && { session }) }
  }

  #note(placed: PlaceCallResponse, relays: Steering['relays'], steering: SteeringRecord): PlacedCall {
    this.#edge.callCap.note(this.#order.apiKey, placed.node.id, epochNow())
    const steerMillis = this.#knownAt - this.#startedAt
    const times = { steerMillis, transceiverMillis: monotonicNow() - this.#knownAt }
    const asked = { placedBy: steering.placedBy, attempts: steering.attempts.length + 1 }
    this.#log.info('A call is placed', {
      transceiver: placed.node.id,
      relay: relays[0]?.id,
      ...asked,
      ...times,
    })
    return { ...placed, relays, steering, ...times }
  }
}

const SENTENCE_BY_FAULT: Readonly<Record<PlacementFault, string>> = {
  'no-relay': 'No relay is in service; try again in a moment.',
  'no-transceiver': 'No transceiver is in service; try again in a moment.',
  full: 'Every node is full; try again in a moment.',
  'transceiver-unreachable': 'No transceiver took the call; try again in a moment.',
}

/** How long one transceiver may take, in milliseconds: a round trip around the world, and its own work, twice. */
const ATTEMPT_TIMEOUT = 2_000

/** How long a client is kept waiting while transceivers are tried, in milliseconds. */
const BUDGET = 5_000
