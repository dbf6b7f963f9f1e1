/** A session as the loop of a media thread sees it. docs/transceiver.md, "The loop". */

import type { Millis } from '#shared/time'
import type { IceFault } from '../core/ice/agent.ts'
import type { IcePath } from '../core/ice/path.ts'
import type { StunArrival } from '../core/ice/paths.ts'
import type { TransceiverDrop } from './drops.ts'

/** What the loop needs of a session. */
export interface LoopSession {
  /** Whether its handshake is over. */
  readonly isConnected: boolean
  /** Whether its client has a data channel open, and may say something at any time. */
  readonly hasChannel: boolean
  /** Takes a STUN message; the answer is written by `flush`, once the loop has learned the relay's cookie. */
  handleStun(arrival: StunArrival, now: Millis): IcePath | IceFault
  handleDtls(start: number, length: number): TransceiverDrop | undefined
  /** Takes SRTP, to be decrypted in place; returns why it was dropped. */
  handleRtp(start: number, length: number, path: IcePath, now: Millis): TransceiverDrop | undefined
  handleRtcp(start: number, length: number, path: IcePath, now: Millis): TransceiverDrop | undefined
  /** Writes what handling has queued. */
  flush(now: Millis): void
  /**
   * Reads what the next tick will need, so that its memory is on the way while other sessions are served; returns a
   * sum of it that means nothing, lest a compiler leave the reads out. docs/transceiver.md, "Asked for ahead".
   */
  prefetch(): number
  /** Takes and sends audio: `due` frames, of which the first has this number. */
  tick(frame: number, due: number, now: Millis): void
  handleTimeout(now: Millis): void
  pollTimeout(): Millis | undefined
  /** Ends the session. */
  end(reason: string): void
}
