/**
 * What the main thread asks of the threads that serve calls, and what they count. docs/transceiver.md, "Threads".
 *
 * Arguments and answers are plain data, so that a command is the same whether the engine runs on the main thread or
 * on another. A new command is a line here and a method of `MediaEngine`.
 */

import type { CallDescription } from '#shared/control/call-description'
import type { PlaceCallRequest, PlaceCallResponse } from '#shared/control/messages'
import type { SidebandFault } from '#shared/control/sideband'
import type { RelayRecord } from '#shared/fleet/record'
import type { LinkPortCounts } from './link-port.ts'
import type { PlaceCallFault, RestartIceOrder, RestartIceResult } from './calls.ts'
import type { AttachOrder, SidebandMessage } from './sideband-desk.ts'

/** What an engine can be asked. */
export interface MediaCommands {
  /** Places a call; a refusal changes nothing. */
  place(request: PlaceCallRequest): PlaceCallResponse | PlaceCallFault
  /** Ends a call by its public id; false: there is no such call here. */
  hangUp(callId: string): boolean
  /** Restarts ICE of a call, or takes trickled candidates; says why not. */
  restartIce(order: RestartIceOrder): RestartIceResult
  /** Describes a call, if it is here. */
  describe(callId: string): CallDescription | undefined
  /** Joins a sideband to its call. */
  attach(order: AttachOrder): 'attached' | SidebandFault
  /** Gives a call an event of a sideband's. */
  handleSideband(message: SidebandMessage): void
  /** Takes a sideband away. */
  detach(id: number): void
  /** Has every call end within so many milliseconds, and its client told of it. */
  drain(millis: number): void
  /** Ends every call. */
  endAll(reason: string): void
  /** Takes the fleet's relays. */
  handleRelays(relays: readonly RelayRecord[]): void
  /** What has been counted so far; `worstLateness` begins anew. */
  counts(): MediaCounts
}

/** The counts of one engine, or of all of a process. */
export interface MediaCounts {
  /** Calls under way, and calls placed so far. */
  readonly active: number
  readonly placed: number
  readonly endedByReason: Readonly<Record<string, number>>
  /** Calls under way, by API key. */
  readonly callsByKey: Readonly<Record<string, number>>
  readonly drops: Readonly<Record<string, number>>
  /** Links that carry calls, and those of them that do not answer. */
  readonly links: { readonly watched: number; readonly lost: number }
  readonly port: LinkPortCounts
  /** In milliseconds. */
  readonly worstLateness: number
  /** By `LATENESS_BOUNDS`. */
  readonly ticksByLateness: readonly number[]
  /** The share of its time that the thread was busy in the last seconds, 0 to 1. */
  readonly load: number
}

/** Returns the counts of several engines as those of one: of load and lateness, the worst. */
export function sumCounts(counts: readonly MediaCounts[]): MediaCounts {
  const total = (pick: (one: MediaCounts) => number) => counts.reduce((sum, one) => sum + pick(one), 0)
  const worst = (pick: (one: MediaCounts) => number) =>
    counts.reduce((most, one) => Math.max(most, pick(one)), 0)
  return {
    active: total(({ active }) => active),
    placed: total(({ placed }) => placed),
    endedByReason: sumRecords(counts.map(({ endedByReason }) => endedByReason)),
    callsByKey: sumRecords(counts.map(({ callsByKey }) => callsByKey)),
    drops: sumRecords(counts.map(({ drops }) => drops)),
    links: { watched: total(({ links }) => links.watched), lost: total(({ links }) => links.lost) },
    port: {
      refused: total(({ port }) => port.refused),
      truncated: total(({ port }) => port.truncated),
      kernelDrops: total(({ port }) => port.kernelDrops),
    },
    worstLateness: worst(({ worstLateness }) => worstLateness),
    ticksByLateness: sumArrays(counts.map(({ ticksByLateness }) => ticksByLateness)),
    load: worst(({ load }) => load),
  }
}

/** Returns what is left of the counts of an engine that has died: its totals, its calls ended by `reason`. */
export function countsOfDead(counts: MediaCounts, reason: string): MediaCounts {
  const lost = { [reason]: counts.active }
  return {
    ...counts,
    active: 0,
    endedByReason: sumRecords([counts.endedByReason, counts.active > 0 ? lost : {}]),
    callsByKey: {},
    links: { watched: 0, lost: 0 },
    worstLateness: 0,
    load: 0,
  }
}

function sumRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const record of records) {
    for (const [key, value] of Object.entries(record)) sum[key] = (sum[key] ?? 0) + value
  }
  return sum
}

function sumArrays(arrays: readonly (readonly number[])[]): number[] {
  const sum: number[] = []
  for (const array of arrays) for (const [i, value] of array.entries()) sum[i] = (sum[i] ?? 0) + value
  return sum
}
