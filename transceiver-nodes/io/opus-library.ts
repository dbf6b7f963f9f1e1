/** What is asked of a build of libopus, the reference implementation of RFC 6716. */

import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'

/** How an encoder weighs bitrate, CPU and robustness. */
export interface OpusEncoderOptions {
  /** Bits per second, the FEC included. */
  readonly bitrate: number
  /** 0 to 10: quality against CPU. */
  readonly complexity: OpusComplexity
  /** Repeats each frame coarsely in the next packet, as far as the expected loss warrants. */
  readonly inbandFec: boolean
  readonly expectedLossPercent: number
  /** Sends one byte for a frame of silence: RFC 7587 section 3.1.3. */
  readonly dtx: boolean
}

export type OpusComplexity = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10

/** A build of libopus. */
export interface OpusLibrary {
  /** For the log: `libopus 1.3.1`. */
  readonly name: string
  /** Opens a decoder of packets of any duration, mode and bandwidth for 24 kHz mono; stereo is mixed down. */
  createDecoder(): VoiceDecoder
  /** Opens an encoder for 24 kHz mono speech. */
  createEncoder(options: OpusEncoderOptions): VoiceEncoder
}
