/** What the caller says: a WAV file as Opus packets of 20 ms, and silence when it is over. */

import { readFileSync } from 'node:fs'
import { Encoder } from '@evan/opus'

import { readWav } from '#shared/wav'
import type { Sound } from '#shared/wav'
import { CallError } from './call-error.ts'

/** Hands out one packet after the other, without end. */
export class Speech {
  readonly #sound: Sound
  readonly #encoder: Encoder
  readonly #frame: Int16Array
  #position = 0

  /** Opens the WAV file at `path`: 16-bit mono at a rate that Opus knows. */
  static open(path: string): Speech {
    return new Speech(readSound(path))
  }

  private constructor(sound: Sound) {
    this.#sound = sound
    this.#frame = new Int16Array(sound.sampleRateHz / 50)
    this.#encoder = new Encoder({
      channels: 1,
      sample_rate: sound.sampleRateHz as OpusRate,
      application: 'voip',
    })
    this.#encoder.bitrate = 32_000
  }

  /** True when the file has been said and silence follows. */
  get isOver(): boolean {
    return this.#position >= this.#sound.samples.length
  }

  /** Returns the packet of the next 20 ms. */
  nextPacket(): Uint8Array {
    const samples = this.#sound.samples.subarray(this.#position, this.#position + this.#frame.length)
    this.#frame.fill(0)
    this.#frame.set(samples)
    this.#position += this.#frame.length
    return this.#encoder.encode(this.#frame)
  }
}

function readSound(path: string): Sound {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new CallError('input', `${path} cannot be read: ${(error as Error).message}`, error)
  }
  const sound = readWav(bytes)
  if (typeof sound === 'string') throw new CallError('input', `${path} is no 16-bit mono WAV file (${sound})`)
  if (!OPUS_RATES.some((rate) => rate === sound.sampleRateHz)) {
    throw new CallError(
      'input',
      `${path} has ${sound.sampleRateHz} Hz; it needs one of ${OPUS_RATES.join(', ')}`,
    )
  }
  return sound
}

/** Sample rates that libopus takes, RFC 6716 section 2.1.3. */
const OPUS_RATES = [8_000, 12_000, 16_000, 24_000, 48_000] as const

type OpusRate = (typeof OPUS_RATES)[number]
