/** What the caller hears: decodes the reply, lays it out in time and measures it. */

import type { Sound } from '#shared/wav'
import { createOpusDecoder } from '../../transceiver-nodes/io/opus.ts'

/** The reply's audio so far. */
export class Reply {
  receivedPackets = 0
  readonly #decoder = createOpusDecoder()
  readonly #samples: Int16Array
  #firstTimestamp: number | undefined
  #end = 0
  #loudSamples = 0
  #loudSquares = 0

  /** Keeps the first `maxSeconds` of RTP time. */
  constructor(maxSeconds: number) {
    this.#samples = new Int16Array(maxSeconds * SAMPLE_RATE_HZ)
  }

  /** Takes the payload of an RTP packet; true when it can be heard. */
  handlePacket(timestamp: number, payload: Uint8Array): boolean {
    this.receivedPackets += 1
    const decoded = this.#decoder.decode(payload, 0, payload.length)
    if (decoded === undefined) return false
    this.#firstTimestamp ??= timestamp
    const at = ((timestamp - this.#firstTimestamp) >>> 0) / RTP_TICKS_PER_SAMPLE
    if (at + decoded.length <= this.#samples.length) {
      this.#samples.set(decoded, at)
      this.#end = Math.max(this.#end, at + decoded.length)
    }
    return this.#measure(decoded)
  }

  /** Seconds in which something could be heard. */
  get seconds(): number {
    return this.#loudSamples / SAMPLE_RATE_HZ
  }

  /** Root mean square of what could be heard, on the scale of 16-bit samples. */
  get rms(): number {
    return this.#loudSamples === 0 ? 0 : Math.sqrt(this.#loudSquares / this.#loudSamples)
  }

  /** The reply as it came, silence included. */
  get sound(): Sound {
    return { sampleRateHz: SAMPLE_RATE_HZ, samples: this.#samples.subarray(0, this.#end) }
  }

  #measure(samples: Int16Array): boolean {
    const squares = samples.reduce((sum, sample) => sum + sample * sample, 0)
    if (squares < samples.length * AUDIBLE_RMS ** 2) return false
    this.#loudSamples += samples.length
    this.#loudSquares += squares
    return true
  }
}

const SAMPLE_RATE_HZ = 24_000

/** The Opus RTP clock is 48 kHz, RFC 7587 section 4.1. */
const RTP_TICKS_PER_SAMPLE = 2

/** -50 dB below full scale: quieter frames are silence. */
const AUDIBLE_RMS = 100
