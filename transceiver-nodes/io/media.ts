/** What carries calls, as the main thread uses it: media threads, or one engine beside everything else. */

import type { CallDescription } from '#shared/control/call-description'
import type { PlaceCallRequest, PlaceCallResponse } from '#shared/control/messages'
import type { SidebandFault } from '#shared/control/sideband'
import type { RelayRecord } from '#shared/fleet/record'
import type { Listener } from '../core/audience.ts'
import type { PlaceCallFault, RestartIceOrder, RestartIceResult } from './calls.ts'
import type { MediaCounts } from './media-commands.ts'
import type { MediaEngine } from './media-engine.ts'
import type { SidebandHub } from './sideband-hub.ts'

/** All the engines of a transceiver. */
export interface Media {
  /** What all of them have counted, at most a second old; calls placed since are among the active ones. */
  readonly counts: MediaCounts
  /** How many threads are at work. */
  readonly threads: number
  /** How many threads have died and been replaced. */
  readonly deaths: number
  /** How many clients of threads that had died were told so in their place. */
  readonly goodbyes: number
  /** Places a call where there is room; a refusal changes nothing. */
  place(request: PlaceCallRequest): Promise<PlaceCallResponse | PlaceCallFault>
  /** Ends a call by its public id; false: there is no such call. */
  hangUp(callId: string): Promise<boolean>
  /** Restarts ICE of a call, or takes trickled candidates; says why not. */
  restartIce(order: RestartIceOrder): Promise<RestartIceResult>
  /** Describes a call, if there is such a call. */
  describe(callId: string): Promise<CallDescription | undefined>
  /** Joins a sideband to a call. */
  attach(callId: string, listener: Listener): Promise<Sideband | SidebandFault>
  /** Has every call end within so many milliseconds, and its client told of it. */
  drain(millis: number): Promise<void>
  /** Ends every call. */
  endAll(reason: string): Promise<void>
  /** Takes the fleet's relays. */
  handleRelays(relays: readonly RelayRecord[]): void
  /** Stops serving. */
  close(): Promise<void>
}

/** A sideband that has joined its call. */
export interface Sideband {
  /** Gives the call an event, as JSON. */
  send(text: string): void
  /** Leaves the call. */
  close(): void
}

/** Lets one engine, on this thread, be all there is; it tells `hub` of its sidebands. */
export function mediaOf(engine: MediaEngine, hub: SidebandHub): Media {
  return {
    get counts() {
      return engine.counts()
    },
    threads: 1,
    deaths: 0,
    goodbyes: 0,
    place: async (request) => engine.place(request),
    hangUp: async (callId) => engine.hangUp(callId),
    restartIce: async (order) => engine.restartIce(order),
    describe: async (callId) => engine.describe(callId),
    attach: async (callId, listener) => {
      const id = hub.open(listener)
      const outcome = engine.attach({ id, callId })
      if (outcome !== 'attached') {
        hub.close(id)
        return outcome
      }
      const close = () => {
        hub.close(id)
        engine.detach(id)
      }
      return { send: (text) => engine.handleSideband({ id, text }), close }
    },
    drain: async (millis) => engine.drain(millis),
    endAll: async (reason) => engine.endAll(reason),
    handleRelays: (relays) => engine.handleRelays(relays),
    close: () => engine.close(),
  }
}
