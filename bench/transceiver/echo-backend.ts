/** Backends that say back what they hear: packets as they come, or samples after the one codec and before the other. */

import type {
  AudioPart,
  Backend,
  BackendOutput,
  BackendSession,
} from '../../transceiver-nodes/backends/backend.ts'

/** How the echo takes audio. */
export type EchoFormat = 'codec' | 'pcm'

/** Makes a backend that echoes. */
export function createEchoBackend(inputFormat: EchoFormat): Backend {
  return { open: (_call, output) => new EchoSession(inputFormat, output) }
}

class EchoSession implements BackendSession {
  readonly inputFormat: EchoFormat
  readonly #output: BackendOutput

  constructor(inputFormat: EchoFormat, output: BackendOutput) {
    this.inputFormat = inputFormat
    this.#output = output
  }

  handleEvent(): void {}

  /** Samples are valid during the call only, and are kept by the queue. */
  handleAudio(samples: Int16Array): void {
    this.#output.audio(PART, samples.slice())
  }

  handlePacket(payload: Uint8Array): void {
    if (payload.length > 0) this.#output.packet(PART, payload)
  }

  close(): void {}
}

const PART: AudioPart = { responseId: 'resp_echo', itemId: 'item_echo', contentIndex: 0 }
