/**
 * Places calls: from an offer to a session, its route, and the answer; and finds them again. docs/transceiver.md.
 */

import type { CallDescription } from '#shared/control/call-description'
import type { PlaceCallRequest, PlaceCallResponse, RestartIceResponse } from '#shared/control/messages'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { randomU32 } from '#shared/platform/crypto'
import type { LogFields } from '#shared/platform/log'
import { millisOf } from '#shared/time'
import { parseFragment, writeFragment } from '#shared/sdp/fragment'
import type { FragmentFault } from '#shared/sdp/fragment'
import { readOffer } from '#shared/sdp/offer'
import type { OfferFault } from '#shared/sdp/offer-fault'
import { callIdOf, minutesOf, mintUfrag, parseUfrag, ufragOf } from '#shared/ufrag/route'
import type { RouteKeyRing } from '#shared/ufrag/route'
import { KeyUsage } from '../core/key-usage.ts'
import type { Call } from './call.ts'
import { credentialsOf, draftCall, mintPassword } from './call-draft.ts'
import type { CallParts } from './call-draft.ts'

/** What calls are placed with. */
export interface CallsParts extends CallParts {
  readonly cluster: number
  readonly transceiver: number
  readonly routeKeys: RouteKeyRing
  /** How busy this thread is, 0 to 1. */
  readonly load: () => number
  /** Reads the registry before its time: a relay has joined since. */
  readonly refreshFleet: () => void
}

/** Why a call is not placed. */
export type PlaceCallFault = OfferFault | 'node-full' | 'node-busy' | 'node-draining'

/** Whose ICE is to be restarted, and the client's fragment (RFC 8840). */
export interface RestartIceOrder {
  readonly callId: string
  readonly fragment: string
  /** The ICE session that the client means, by the restarts before it; whichever there is when absent. */
  readonly restarts?: number | undefined
}

/** The server's fragment; `unchanged`: the client's has nothing but candidates, which are ignored as in offers. */
export type RestartIceResult =
  RestartIceResponse | 'unchanged' | FragmentFault | 'call-unknown' | 'ice-session-other'

/** The calls of this transceiver. */
export class Calls {
  readonly #parts: CallsParts
  #placed = 0
  readonly #endedByReason: Record<string, number> = {}
  readonly #usage = new KeyUsage()

  constructor(parts: CallsParts) {
    this.#parts = parts
  }

  /** Calls under way, those of each API key, calls placed so far, and calls ended by reason. */
  get counts() {
    return {
      active: this.#parts.table.size,
      callsByKey: this.#usage.toRecord(),
      placed: this.#placed,
      endedByReason: { ...this.#endedByReason },
    }
  }

  /** Places a call; a refusal changes nothing. */
  place(request: PlaceCallRequest): PlaceCallResponse | PlaceCallFault {
    const { table, node } = this.#parts
    if (table.isFull) return 'node-full'
    if (this.#parts.load() > MAX_ADMITTED_LOAD) return 'node-busy'
    if (request.relays.some((relay) => !this.#parts.directory.knows(relay.id))) this.#parts.refreshFleet()
    const offer = readOffer(request.offer)
    if (typeof offer === 'string') return offer
    const handle = this.#freeHandle()
    const ufrag = this.#mint(handle)
    const { requestId, apiKeyId } = request
    const onEnd = (ended: Call, reason: string) => this.#forget(ended, reason, apiKeyId)
    const placed = draftCall(this.#parts, { request, offer, handle, ufrag, onEnd })
    table.add(handle, placed.call)
    this.#usage.add(apiKeyId)
    this.#placed++
    this.#parts.log.info('A call was placed', { call: handle, request: requestId })
    return { callId: callIdOf(ufrag), answer: placed.answer, node }
  }

  /** Ends a call by its public id; false: there is no such call here. */
  hangUp(callId: string): boolean {
    const call = this.find(callId)
    call?.end('hang-up')
    if (call !== undefined) this.#parts.writer.flush()
    return call !== undefined
  }

  /**
   * Restarts ICE (RFC 8445 section 9): new credentials on both sides, and a new route to the same session. Media,
   * its keys and the data channel go on as they are.
   */
  restartIce({ callId, fragment: text, restarts }: RestartIceOrder): RestartIceResult {
    const call = this.find(callId)
    if (call === undefined) return 'call-unknown'
    if (restarts !== undefined && restarts !== call.restarts) return 'ice-session-other'
    const fragment = parseFragment(text)
    if (typeof fragment === 'string') return fragment
    if (fragment.iceUfrag === call.remoteUfrag) return 'unchanged'
    const iceUfrag = this.#mint(call.handle, call.restarts + 1)
    const icePwd = mintPassword()
    call.restartIce(credentialsOf(iceUfrag, icePwd, fragment))
    return { fragment: writeFragment({ ...call.ice, iceUfrag, icePwd }), restarts: call.restarts }
  }

  /** Describes a call, if it is here. */
  describe(callId: string): CallDescription | undefined {
    return this.find(callId)?.describe()
  }

  /** Has every call end within `millis`, and its client told of it. */
  drain(millis: number): void {
    const now = monotonicNow()
    const deadline = millisOf(now + millis)
    for (const call of this.#parts.table.sessions()) call.bringForward(deadline, 'node-draining', now)
  }

  /** Ends every call. */
  endAll(reason: string): void {
    try {
      for (const call of this.#parts.table.sessions()) call.end(reason)
    } finally {
      // One that cannot end must not keep the goodbyes of the others back.
      this.#parts.writer.flush()
    }
  }

  /** Returns the call of a public id, if it is here. */
  find(callId: string): Call | undefined {
    const { routeKeys, cluster, transceiver, table } = this.#parts
    const route = parseUfrag(ufragOf(callId) ?? '', routeKeys, minutesOf(epochNow()))
    if (typeof route === 'string') return undefined
    const isOurs = route.cluster === cluster && route.transceiver === transceiver
    return isOurs ? table.byHandle(route.session) : undefined
  }

  #forget(call: Call, reason: string, apiKeyId: string | undefined): void {
    const { handle } = call
    this.#parts.table.remove(handle)
    this.#usage.remove(apiKeyId)
    this.#endedByReason[reason] = (this.#endedByReason[reason] ?? 0) + 1
    this.#parts.log.info('A call ended', { call: handle, reason, ...recordOf(call) })
  }

  #freeHandle(): number {
    for (;;) {
      const handle = randomU32()
      if (this.#parts.table.byHandle(handle) === undefined) return handle
    }
  }

  /** The flags make the route of each restart another one: RFC 8445 section 9 wants new user name fragments. */
  #mint(session: number, restarts = 0): string {
    const { cluster, transceiver, routeKeys } = this.#parts
    const expiryMinutes = (minutesOf(epochNow()) + MAX_CALL_MINUTES) & 0xffff
    return mintUfrag({ cluster, transceiver, session, expiryMinutes, flags: restarts & 0xff }, routeKeys)
  }
}

/** What is left of a call: its timeline, how long it lasted, and what became of its audio. */
function recordOf(call: Call): LogFields {
  const timeline = Object.entries(call.timeline.toRecord())
  return {
    ...Object.fromEntries(timeline.map(([name, value]) => [`${name}Millis`, value ?? undefined])),
    durationMillis: call.timeline.elapsed(monotonicNow()),
    restarts: call.restarts,
    interruptions: call.interruptions,
    ...call.audioStatistics,
  }
}

/** A thread that is busier takes no more calls: what is left is for bursts, and for calls that grow. */
export const MAX_ADMITTED_LOAD = 0.85

/** A call's route is good for a day: longer than any session may last. */
const MAX_CALL_MINUTES = 24 * 60
