/** What carries calls, as the main thread uses it: media threads, or one engine beside everything else. */

import type { PlaceCallRequest, PlaceCallResponse } from '#shared/control/messages'
import type { RelayRecord } from '#shared/fleet/record'
import type { PlaceCallFault, RestartIceOrder, RestartIceResult } from './calls.ts'
import type { MediaCounts } from './media-commands.ts'
import type { MediaEngine } from './media-engine.ts'

/** All the engines of a transceiver. */
export interface Media {
  /** What all of them have counted, at most a second old. */
  readonly counts: MediaCounts
  /** How many threads have died and been replaced. */
  readonly deaths: number
  /** Places a call where there is room; a refusal changes nothing. */
  place(request: PlaceCallRequest): Promise<PlaceCallResponse | PlaceCallFault>
  /** Ends a call by its public id; false: there is no such call. */
  hangUp(callId: string): Promise<boolean>
  /** Restarts ICE of a call, or takes trickled candidates; says why not. */
  restartIce(order: RestartIceOrder): Promise<RestartIceResult>
  /** Ends every call. */
  endAll(reason: string): Promise<void>
  /** Takes the fleet's relays. */
  handleRelays(relays: readonly RelayRecord[]): void
  /** Stops serving. */
  close(): Promise<void>
}

/** Lets one engine, on this thread, be all there is. */
export function mediaOf(engine: MediaEngine): Media {
  return {
    get counts() {
      return engine.counts()
    },
    deaths: 0,
    place: async (request) => engine.place(request),
    hangUp: async (callId) => engine.hangUp(callId),
    restartIce: async (order) => engine.restartIce(order),
    endAll: async (reason) => engine.endAll(reason),
    handleRelays: (relays) => engine.handleRelays(relays),
    close: () => engine.close(),
  }
}
