/**
 * The media threads of a transceiver, each of which is a transceiver of its own to relays and in routes:
 * docs/transceiver.md, "Threads".
 *
 * The record names the first thread. Thread i has the id `transceiver + i`, and the link port that is the i-th of
 * the record's `link` and `linkPorts`.
 */

import type { Endpoint } from '#shared/endpoint'
import type { TransceiverRecord } from './record.ts'

/** One media thread: the ids that routes name it by, and its link. */
export interface MediaThread {
  readonly cluster: number
  readonly transceiver: number
  readonly link: Endpoint
}

/** Returns the media threads of a transceiver. */
export function mediaThreadsOf({
  cluster,
  transceiver,
  link,
  linkPorts = [],
}: TransceiverRecord): MediaThread[] {
  return [link.port, ...linkPorts].map((port, index) => ({
    cluster,
    transceiver: transceiver + index,
    link: { address: link.address, port },
  }))
}

/** Tells whether a route leads to one of the transceiver's threads. */
export function ownsRoute(
  record: TransceiverRecord,
  route: { readonly cluster: number; readonly transceiver: number },
): boolean {
  const index = route.transceiver - record.transceiver
  return record.cluster === route.cluster && index >= 0 && index <= (record.linkPorts?.length ?? 0)
}
