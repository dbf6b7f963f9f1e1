/**
 * WAV files of 16-bit mono PCM: what the speech synthesiser writes, and what the test callers read and save.
 *
 *   'RIFF' size 'WAVE' { id(4) size(4, little-endian) body, padded to even }…
 *   'fmt ' format(2) = 1, channels(2), rate(4), bytes per second(4), block(2), bits(2)     'data' samples
 *
 * Other encodings, and stereo, are refused (Multimedia Programming Interface and Data Specifications 1.0, "RIFF").
 */

/** Mono sound at some rate. */
export interface Sound {
  readonly sampleRateHz: number
  readonly samples: Int16Array
}

/** Why bytes are not a WAV file that Firsthop reads. */
export type WavFault = 'wav-not-riff' | 'wav-not-pcm16-mono' | 'wav-no-data'

/** Reads the sound in `bytes`; a string is the reason why there is none. */
export function readWav(bytes: Uint8Array): Sound | WavFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < RIFF_HEADER_BYTES || view.getUint32(0) !== RIFF || view.getUint32(8) !== WAVE) {
    return 'wav-not-riff'
  }
  const format = findChunk(view, FMT)
  if (format === undefined || !isPcm16Mono(format)) return 'wav-not-pcm16-mono'
  const data = findChunk(view, DATA)
  if (data === undefined) return 'wav-no-data'
  return { sampleRateHz: format.getUint32(4, true), samples: readSamples(data) }
}

/** Writes `sound` as a WAV file. */
export function writeWav(sound: Sound): Uint8Array {
  const dataBytes = sound.samples.length * 2
  const bytes = new Uint8Array(HEADER_BYTES + dataBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, RIFF)
  view.setUint32(4, HEADER_BYTES - CHUNK_HEADER_BYTES + dataBytes, true)
  view.setUint32(8, WAVE)
  view.setUint32(12, FMT)
  view.setUint32(16, FORMAT_BYTES, true)
  view.setUint16(20, PCM, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, sound.sampleRateHz, true)
  view.setUint32(28, sound.sampleRateHz * 2, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  view.setUint32(36, DATA)
  view.setUint32(40, dataBytes, true)
  sound.samples.forEach((sample, i) => view.setInt16(HEADER_BYTES + i * 2, sample, true))
  return bytes
}

/** Finds the body of the first chunk `id`, as far as the file goes: a stream's writer may not know its length. */
function findChunk(view: DataView, id: number): DataView | undefined {
  let at = RIFF_HEADER_BYTES
  while (at + CHUNK_HEADER_BYTES <= view.byteLength) {
    const start = at + CHUNK_HEADER_BYTES
    const length = Math.min(view.getUint32(at + 4, true), view.byteLength - start)
    if (view.getUint32(at) === id) return new DataView(view.buffer, view.byteOffset + start, length)
    at = start + length + (length % 2)
  }
  return undefined
}

function isPcm16Mono(format: DataView): boolean {
  if (format.byteLength < FORMAT_BYTES) return false
  return (
    format.getUint16(0, true) === PCM && format.getUint16(2, true) === 1 && format.getUint16(14, true) === 16
  )
}

function readSamples(data: DataView): Int16Array {
  return Int16Array.from({ length: Math.floor(data.byteLength / 2) }, (_, i) => data.getInt16(i * 2, true))
}

/** Chunk ids as big-endian words. */
const RIFF = 0x52494646
const WAVE = 0x57415645
const FMT = 0x666d7420
const DATA = 0x64617461

/** `WAVE_FORMAT_PCM`. */
const PCM = 1

const RIFF_HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 8
const FORMAT_BYTES = 16

/** One `fmt ` chunk and the head of one `data` chunk after the RIFF header. */
const HEADER_BYTES = RIFF_HEADER_BYTES + CHUNK_HEADER_BYTES + FORMAT_BYTES + CHUNK_HEADER_BYTES
