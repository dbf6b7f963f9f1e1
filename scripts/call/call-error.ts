/** Why a call from the terminal failed: a code for scripts, a line for people. */

/** The stages at which a call can fail. */
export type CallErrorCode =
  'input' | 'unreachable' | 'refused' | 'not-connected' | 'no-channel' | 'lost' | 'no-reply'

/** A failed call; the message says in one line what to look at. */
export class CallError extends Error {
  readonly code: CallErrorCode

  constructor(code: CallErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
