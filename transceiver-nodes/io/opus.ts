/**
 * Opus (RFC 6716) between RTP payloads and the backend's 24 kHz mono PCM16: docs/audio.md.
 *
 * The system's libopus where there is one, and otherwise the one that a package carries, which can do less.
 */

import { EXPECTED_LOSS } from '../core/media/reports.ts'
import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'
import { loadLibopus } from './libopus.ts'
import type { OpusEncoderOptions, OpusLibrary } from './opus-library.ts'

const library: OpusLibrary = loadLibopus() ?? (await import('./opus-package.ts')).OPUS_PACKAGE

/** Name and version of the libopus in use, for the log. */
export const OPUS_LIBRARY_NAME = library.name

/** Opens a decoder of packets of any duration, mode and bandwidth for 24 kHz mono; stereo is mixed down. */
export function createOpusDecoder(): VoiceDecoder {
  return library.createDecoder()
}

/** Opens an encoder for 24 kHz mono speech. */
export function createOpusEncoder(options: OpusEncoderOptions = OPUS_SPEECH): VoiceEncoder {
  return library.createEncoder(options)
}

/** How speech to the client is coded: docs/audio.md has the measurements. */
export const OPUS_SPEECH: OpusEncoderOptions = {
  bitrate: 28_000,
  complexity: 3,
  inbandFec: true,
  expectedLossPercent: EXPECTED_LOSS.leastPercent,
  dtx: false,
}
