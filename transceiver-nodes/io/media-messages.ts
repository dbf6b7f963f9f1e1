/** What the main thread and a media thread say to each other: commands with numbers, and a few words besides. */

import type { SocketHandle } from '#shared/platform/udp-socket'
import type { DtlsCertificate } from '../crypto/certificate.ts'
import type { MediaCommands } from './media-commands.ts'
import type { SidebandNotice } from './sideband-desk.ts'

/** The first message to a thread: who to be. */
export interface ServeMessage {
  readonly type: 'serve'
  /** Which of the transceiver's threads it is, and how many sessions it takes. */
  readonly index: number
  readonly capacity: number
  readonly certificate: DtlsCertificate
  readonly socket: SocketHandle
  /** Where it keeps what is to be said in its name if it dies: `GoodbyeSlab`. */
  readonly goodbyes: SharedArrayBuffer
}

/** A message to a thread. */
export type MessageToMedia =
  | ServeMessage
  | {
      readonly type: 'command'
      readonly id: number
      readonly name: keyof MediaCommands
      readonly argument: unknown
    }
  /** For those who want to see what happens: throw, as a bug would; never answer again; take all memory. */
  | { readonly type: 'crash' | 'hang' | 'exhaust' }

/** A message from a thread. */
export type MessageFromMedia =
  | SidebandNotice
  /** It is loaded and can serve at once. */
  | { readonly type: 'spare' }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  /** The command threw; the thread goes on. */
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
  /** The registry should be read before its time. */
  | { readonly type: 'refresh-fleet' }
  /** Something threw where nothing should; its calls have been ended, and the thread ends. */
  | { readonly type: 'dying'; readonly error: string }
