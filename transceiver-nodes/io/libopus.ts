/**
 * The system's own libopus through koffi: decoding of in-band FEC, concealment of any duration, DTX, and no
 * allocation for a frame. https://opus-codec.org/docs/opus_api-1.3.1/
 *
 * libopus reads and writes where packets and samples lie, by address, so lengths are checked here.
 */

import { addressOf, loadNativeLibrary } from '#shared/platform/native'
import type { Address, NativeLibrary } from '#shared/platform/native'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { FRAME_SAMPLES } from '../core/media/pacer.ts'
import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'
import type { OpusEncoderOptions, OpusLibrary } from './opus-library.ts'

/** Loads the system's libopus; undefined: it has none. */
export function loadLibopus(): OpusLibrary | undefined {
  const library = loadNativeLibrary(FILE_NAMES[process.platform] ?? FILE_NAMES.linux)
  if (library === undefined) return undefined
  const functions = bindFunctions(library)
  return {
    name: functions.versionString() ?? 'libopus',
    createDecoder: () => new LibopusDecoder(functions),
    createEncoder: (options) => new LibopusEncoder(functions, options),
  }
}

type LibopusFunctions = ReturnType<typeof bindFunctions>

function bindFunctions(library: NativeLibrary) {
  return {
    versionString: library.bind('const char *opus_get_version_string()'),
    createDecoder: library.bind(
      'uintptr_t opus_decoder_create(int32_t rateHz, int channels, uintptr_t error)',
    ),
    decode: library.bind(
      'int opus_decode(uintptr_t decoder, uintptr_t data, int32_t length, uintptr_t samples, int room, int fec)',
    ),
    destroyDecoder: library.bind('void opus_decoder_destroy(uintptr_t decoder)'),
    createEncoder: library.bind(
      'uintptr_t opus_encoder_create(int32_t rateHz, int channels, int application, uintptr_t error)',
    ),
    encode: library.bind(
      'int32_t opus_encode(uintptr_t encoder, uintptr_t samples, int count, uintptr_t data, int32_t room)',
    ),
    controlEncoder: library.bind('int opus_encoder_ctl(uintptr_t encoder, int request, ...)'),
    destroyEncoder: library.bind('void opus_encoder_destroy(uintptr_t encoder)'),
  }
}

class LibopusDecoder implements VoiceDecoder {
  readonly #functions: LibopusFunctions
  readonly #decoder: Address

  constructor(functions: LibopusFunctions) {
    this.#functions = functions
    this.#decoder = demandMemory(functions.createDecoder(BACKEND_SAMPLE_RATE_HZ, 1, NULL))
  }

  decode(memory: Uint8Array, start: number, length: number): Int16Array | undefined {
    if (length < 1 || start + length > memory.length) return undefined
    return this.#decode(addressIn(memory, start), length, MAX_PACKET_SAMPLES, 0)
  }

  recover(memory: Uint8Array, start: number, length: number, durationMillis: number): Int16Array | undefined {
    if (length < 1 || start + length > memory.length) return undefined
    return this.#decode(addressIn(memory, start), length, samplesOf(durationMillis), 1)
  }

  conceal(durationMillis: number): Int16Array {
    const samples = samplesOf(durationMillis)
    return this.#decode(NULL, 0, samples, 0) ?? viewOf(SILENCE_VIEWS, samples)
  }

  close(): void {
    this.#functions.destroyDecoder(this.#decoder)
  }

  #decode(data: Address, length: number, room: number, fec: 0 | 1): Int16Array | undefined {
    const decoded = this.#functions.decode(this.#decoder, data, length, OUTPUT_ADDRESS, room, fec)
    return decoded < 0 ? undefined : viewOf(OUTPUT_VIEWS, decoded)
  }
}

class LibopusEncoder implements VoiceEncoder {
  readonly #functions: LibopusFunctions
  readonly #encoder: Address

  constructor(functions: LibopusFunctions, options: OpusEncoderOptions) {
    this.#functions = functions
    this.#encoder = demandMemory(
      functions.createEncoder(BACKEND_SAMPLE_RATE_HZ, 1, OPUS_APPLICATION_VOIP, NULL),
    )
    this.#set(OPUS_SET_BITRATE, options.bitrate)
    this.#set(OPUS_SET_COMPLEXITY, options.complexity)
    this.#set(OPUS_SET_INBAND_FEC, options.inbandFec ? 1 : 0)
    this.#set(OPUS_SET_DTX, options.dtx ? 1 : 0)
    this.expectLoss(options.expectedLossPercent)
  }

  encode(samples: Int16Array, memory: Uint8Array, start: number, room: number): number {
    if (samples.length !== FRAME_SAMPLES) throw new RangeError(`a frame has ${FRAME_SAMPLES} samples`)
    if (start + room > memory.length) throw new RangeError('there is no such room')
    const from = addressIn(samples, 0)
    const length = this.#functions.encode(this.#encoder, from, FRAME_SAMPLES, addressIn(memory, start), room)
    if (length < 0) throw new RangeError(`opus_encode: ${length}`)
    return length
  }

  expectLoss(percent: number): void {
    this.#set(OPUS_SET_PACKET_LOSS_PERC, percent)
  }

  close(): void {
    this.#functions.destroyEncoder(this.#encoder)
  }

  #set(request: number, value: number): void {
    const result = this.#functions.controlEncoder(this.#encoder, request, 'int', value)
    if (result !== OPUS_OK) throw new RangeError(`opus_encoder_ctl ${request} to ${value}: ${result}`)
  }
}

/** Storage never moves, so its address is asked for once: that costs more than a lookup. */
function addressIn(memory: Uint8Array | Int16Array, start: number): Address {
  let base = ADDRESS_BY_STORAGE.get(memory.buffer)
  if (base === undefined) {
    base = addressOf(memory.buffer as ArrayBuffer)
    ADDRESS_BY_STORAGE.set(memory.buffer, base)
  }
  return base + memory.byteOffset + start
}

/** Returns the first `length` samples; a view is made once for each of the lengths that Opus has, whole 2.5 ms. */
function viewOf(views: (Int16Array | undefined)[], length: number): Int16Array {
  const index = length / STEP_SAMPLES
  return (views[index] ??= (views === OUTPUT_VIEWS ? OUTPUT : SILENCE).subarray(0, length))
}

function samplesOf(durationMillis: number): number {
  const steps = Math.max(1, Math.round(durationMillis / STEP_MILLIS))
  return Math.min(steps * STEP_SAMPLES, MAX_PACKET_SAMPLES)
}

function demandMemory(codec: Address): Address {
  if (codec === NULL) throw new RangeError('libopus has no memory')
  return codec
}

const NULL: Address = 0
const ADDRESS_BY_STORAGE = new WeakMap<ArrayBufferLike, Address>()

const STEP_MILLIS = 2.5
const STEP_SAMPLES = (BACKEND_SAMPLE_RATE_HZ / 1000) * STEP_MILLIS

/** 120 ms, RFC 6716 section 3.4, requirement R5. */
const MAX_PACKET_SAMPLES = STEP_SAMPLES * 48

/** Where all decoders of this thread write. */
const OUTPUT = new Int16Array(new ArrayBuffer(MAX_PACKET_SAMPLES * 2))
const OUTPUT_ADDRESS = addressOf(OUTPUT.buffer)
const OUTPUT_VIEWS: (Int16Array | undefined)[] = []
const SILENCE = new Int16Array(MAX_PACKET_SAMPLES)
const SILENCE_VIEWS: (Int16Array | undefined)[] = []

/** opus_defines.h */
const OPUS_OK = 0
const OPUS_APPLICATION_VOIP = 2048
const OPUS_SET_BITRATE = 4002
const OPUS_SET_COMPLEXITY = 4010
const OPUS_SET_INBAND_FEC = 4012
const OPUS_SET_PACKET_LOSS_PERC = 4014
const OPUS_SET_DTX = 4016

/** The first version of the ABI, which every libopus since 1.0 has. */
const FILE_NAMES: Readonly<Record<string, string>> & { readonly linux: string } = {
  linux: 'libopus.so.0',
  darwin: 'libopus.0.dylib',
  win32: 'opus.dll',
}
