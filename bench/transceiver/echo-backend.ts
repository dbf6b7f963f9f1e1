/** Backends that say back what they hear: packets as they come, or samples after the one codec and before the other. */

import type { AudioPart, Backend } from '../../transceiver-nodes/backends/backend.ts'

/** How the echo takes audio. */
export type EchoFormat = 'codec' | 'pcm'

/** Makes a backend that echoes. */
export function createEchoBackend(inputFormat: EchoFormat): Backend {
  return {
    open: (_call, output) => ({
      inputFormat,
      handleEvent: () => {},
      // Samples are valid during the call only, and are kept by the queue.
      handleAudio: (samples) => output.audio(PART, samples.slice()),
      handlePacket: (payload) => {
        if (payload.length > 0) output.packet(PART, payload)
      },
      close: () => {},
    }),
  }
}

const PART: AudioPart = { responseId: 'resp_echo', itemId: 'item_echo', contentIndex: 0 }
