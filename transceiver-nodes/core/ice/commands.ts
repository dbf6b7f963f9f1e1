/** What the units of one ICE agent want done; the agent hands it out in order. */

import type { IcePath } from './path.ts'

/** What the agent wants done. */
export type IceCommand =
  /** Send a STUN message; `binds` asks the relay to keep the flow, since its owner has been verified. */
  | {
      readonly type: 'transmit'
      readonly path: IcePath
      readonly message: Uint8Array
      readonly binds: boolean
    }
  /** Media goes to this path from now on. */
  | { readonly type: 'select'; readonly path: IcePath }
  /** The path is given up: stop routing its packets here. */
  | { readonly type: 'forget'; readonly path: IcePath }
  /** Consent has expired: the session must end, RFC 7675 section 5.1. */
  | { readonly type: 'expire' }

/** The commands of one agent that nobody has taken yet. */
export type IceCommands = IceCommand[]
