/** What the main thread and the threads of a relay say to each other. */

import type { SocketHandle } from '#shared/platform/udp-socket'
import type { Upstream } from '../core/upstreams.ts'

/**
 * The first message to a thread: where to be, and what to know before the first packet is read. All of it in one, since
 * the thread begins with the first.
 */
export interface ServeMessage {
  readonly type: 'serve'
  readonly sockets: { readonly clients: readonly SocketHandle[]; readonly link: SocketHandle }
  /** Where the thread counts: `THREAD_COUNTS` numbers. */
  readonly counts: SharedArrayBuffer
  /** The processor to stay on. */
  readonly processor: number | undefined
  /** The fleet's transceivers, and flows of a former life as FOUND records. */
  readonly upstreams: readonly Upstream[]
  readonly flowRecords: Int32Array | undefined
}

/** A message to a thread. */
export type MessageToThread =
  | ServeMessage
  /** The fleet's transceivers. */
  | { readonly type: 'upstreams'; readonly upstreams: readonly Upstream[] }
  /** Answers about flows, in the records of `core/flow-records.ts`. */
  | { readonly type: 'records'; readonly records: Int32Array }
  | { readonly type: 'stop' }

/** A message from a thread. */
export type MessageFromThread =
  /** It is loaded and can serve at once. */
  | { readonly type: 'spare' }
  /** What it tells and asks about flows. */
  | { readonly type: 'records'; readonly records: Int32Array }
