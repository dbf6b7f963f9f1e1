import { beforeEach, describe, expect, test } from 'vitest'
import { RTP_HEADER_BYTES, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { concatBytes } from '#shared/bytes'
import { millisOf } from '#shared/time'
import type { ClientCodec } from '../../backends/backend.ts'
import { CALL_CODECS } from '../../io/call-codec.ts'
import { loadLibopus } from '../../io/libopus.ts'
import { AudioReceiver } from './audio-receiver.ts'
import { FRAME_MILLIS, FRAME_SAMPLES } from './pacer.ts'

const PAYLOAD_TYPE = 111
const RED_PAYLOAD_TYPE = 63
const DELAY = { minMillis: 20, maxMillis: 20 }

/** Keeps what a backend would hear. */
class Ear {
  inputFormat: 'pcm' | 'codec' = 'pcm'
  readonly frames: Int16Array[] = []
  readonly packets: { bytes: number[]; millis: number }[] = []

  handleAudio(samples: Int16Array): void {
    this.frames.push(samples.slice())
  }

  handlePacket(payload: Uint8Array, durationMillis: number): void {
    this.packets.push({ bytes: [...payload], millis: durationMillis })
  }
}

let ear: Ear
let receiver: AudioReceiver
beforeEach(() => {
  ear = new Ear()
  receiver = open('opus')
})

describe('AudioReceiver', () => {
  test.each(['opus', 'pcmu', 'pcma'] as const)('hands on %s as it was said', (codec) => {
    receiver = open(codec)
    const packets = speak(codec, 30)
    for (const [index, packet] of packets.entries()) {
      receive(index, packet, codec)
      receiver.tick(millisOf(index * FRAME_MILLIS))
    }
    expect(ear.frames.length).toBe(29)
    expect(ear.frames.every((samples) => samples.length === FRAME_SAMPLES)).toBe(true)
    expect(rms(ear.frames.at(-1)!)).toBeGreaterThan(4_000)
    expect(receiver).toMatchObject({ concealed: 0, fecRecovered: 0, undecodable: 0 })
  })

  test.each(['opus', 'pcmu'] as const)('conceals what %s has lost, frame by frame', (codec) => {
    receiver = open(codec)
    playWithout(codec, [10, 11])
    expect(ear.frames.length).toBe(29)
    expect(receiver.concealed + receiver.fecRecovered).toBe(2)
    expect(rms(ear.frames[10]!)).toBeGreaterThan(2_000)
    expect(receiver.buffer.lost).toBe(2)
  })

  test.runIf(loadLibopus())('recovers a lost packet from the next one, when that repeats it', () => {
    const fec = repeatingPackets()
    for (const [index, packet] of fec.entries()) {
      if (index !== 10) receive(index, packet, 'opus')
      receiver.tick(millisOf(index * FRAME_MILLIS))
    }
    expect(receiver).toMatchObject({ concealed: 0, fecRecovered: 1 })
    expect(ear.frames.length).toBe(29)
  })

  test('plays the copy of a lost packet that RED carries', () => {
    const packets = speak('opus', 30)
    for (const [index, packet] of packets.entries()) {
      if (index !== 10) receive(index, red(packets[index - 1], packet), 'opus', RED_PAYLOAD_TYPE)
      receiver.tick(millisOf(index * FRAME_MILLIS))
    }
    expect(receiver).toMatchObject({ concealed: 0, fecRecovered: 0, redRecovered: 1 })
    expect(receiver.buffer).toMatchObject({ lost: 0, duplicates: 0 })
    expect(ear.frames.length).toBe(29)
  })

  test('refuses payload types that the answer does not name, also within RED', () => {
    expect(receive(0, Uint8Array.of(1, 2, 3), 'opus', 9)).toBe('rtp-payload-type')
    expect(receive(0, Uint8Array.of(9, 2, 3), 'opus', RED_PAYLOAD_TYPE)).toBe('rtp-payload-type')
    expect(receive(0, new Uint8Array(0), 'opus', RED_PAYLOAD_TYPE)).toBe('red-truncated')
    expect(receive(0, new Uint8Array(0), 'opus')).toBe('opus-empty')
  })

  test('hears silence, as long as it lasts, while the client does not send', () => {
    const dtx = Uint8Array.of((9 << 3) | 0)
    for (const [index, packet] of speak('opus', 10).entries()) receive(index, packet, 'opus')
    receive(10, dtx, 'opus')
    for (let tick = 0; tick < 30; tick++) receiver.tick(millisOf(tick * FRAME_MILLIS))
    expect(ear.frames.length).toBe(29)
    receive(11, dtx, 'opus', PAYLOAD_TYPE, 30)
    for (let tick = 30; tick < 40; tick++) receiver.tick(millisOf(tick * FRAME_MILLIS))
    expect(ear.frames.length).toBe(39)
    expect(receiver).toMatchObject({ concealed: 0 })
    expect(receiver.buffer.lost).toBe(0)
    expect(rms(ear.frames.at(-1)!)).toBeLessThan(300)
  })

  test('hears silence after 200 ms of nothing, and makes nothing up twice when packets turn out to be lost', () => {
    const packets = speak('opus', 60)
    for (let tick = 0; tick < 60; tick++) {
      if (tick < 10 || tick >= 50) receive(tick, packets[tick]!, 'opus')
      receiver.tick(millisOf(tick * FRAME_MILLIS))
    }
    // 40 packets were lost; 29 frames of silence stood for as many of them.
    expect(receiver.buffer.lost).toBe(40)
    expect(receiver.concealed + receiver.fecRecovered).toBe(11)
    expect(ear.frames.length).toBe(59)
  })

  test('passes packets through in order, with an empty one for each that was lost', () => {
    receiver = open('pcmu')
    ear.inputFormat = 'codec'
    playWithout('pcmu', [4, 5])
    const packets = speak('pcmu', 30)
    expect(ear.packets.length).toBe(29)
    expect(ear.packets[3]).toEqual({ bytes: [...packets[3]!], millis: FRAME_MILLIS })
    expect(ear.packets[4]).toEqual({ bytes: [], millis: FRAME_MILLIS })
    expect(ear.packets[6]).toEqual({ bytes: [...packets[6]!], millis: FRAME_MILLIS })
    expect(ear.frames).toEqual([])
  })

  test('conceals a packet that is no sound', () => {
    const packets = speak('opus', 10)
    packets[5] = Uint8Array.of(0xff, 0xff, 0xff, 0xff)
    for (const [index, packet] of packets.entries()) {
      receive(index, packet, 'opus')
      receiver.tick(millisOf(index * FRAME_MILLIS))
    }
    expect(receiver.undecodable + receiver.buffer.lost).toBeLessThanOrEqual(1)
    expect(ear.frames.length).toBe(9)
  })

  test('keeps a burst that is larger than its memory', () => {
    receiver = open('pcmu')
    for (const [index, packet] of speak('pcmu', 150).entries()) receive(index, packet, 'pcmu', undefined, 149)
    receiver.tick(millisOf(149 * FRAME_MILLIS + 200))
    expect(ear.frames.length).toBe(150)
    expect(receiver.buffer.overflowed).toBe(0)
  })
})

function open(codec: ClientCodec): AudioReceiver {
  return new AudioReceiver({
    payloadType: PAYLOAD_TYPE,
    redPayloadType: RED_PAYLOAD_TYPE,
    format: CALL_CODECS[codec].format,
    createDecoder: CALL_CODECS[codec].createDecoder,
    listener: ear,
    delayBounds: DELAY,
  })
}

/** A tone, coded. */
function speak(codec: ClientCodec, frames: number): Uint8Array[] {
  return encodeFrames(CALL_CODECS[codec].createEncoder(), frames)
}

/** The same with each packet repeating the one before it. */
function repeatingPackets(): Uint8Array[] {
  const options = {
    bitrate: 20_000,
    complexity: 5,
    inbandFec: true,
    expectedLossPercent: 25,
    dtx: false,
  } as const
  return encodeFrames(loadLibopus()!.createEncoder(options), 30)
}

function encodeFrames(encoder: ReturnType<(typeof CALL_CODECS)['opus']['createEncoder']>, frames: number) {
  const memory = new Uint8Array(400)
  return Array.from({ length: frames }, (_, frame) => {
    const samples = Int16Array.from(
      { length: FRAME_SAMPLES },
      (_, i) => 8_000 * Math.sin((2 * Math.PI * 200 * (frame * FRAME_SAMPLES + i)) / 24_000),
    )
    return memory.slice(0, encoder.encode(samples, memory, 0, memory.length))
  })
}

function playWithout(codec: ClientCodec, lost: readonly number[]): void {
  for (const [index, packet] of speak(codec, 30).entries()) {
    if (!lost.includes(index)) receive(index, packet, codec)
    receiver.tick(millisOf(index * FRAME_MILLIS))
  }
}

/** Receives a packet of frame `at`, at its time. */
function receive(index: number, payload: Uint8Array, codec: ClientCodec, type = PAYLOAD_TYPE, at = index) {
  const memory = new Uint8Array(RTP_HEADER_BYTES + payload.length)
  const ticksPerFrame = CALL_CODECS[codec].format.clockRateHz / 50
  const timestamp = (codec === 'opus' ? at : index) * ticksPerFrame
  writeRtpHeader(memory, 0, type, false, index, timestamp, 1)
  memory.set(payload, RTP_HEADER_BYTES)
  const rtp = new RtpView()
  rtp.read(memory, 0, memory.length)
  return receiver.handleRtp(rtp, memory, millisOf(at * FRAME_MILLIS))
}

/** One copy, 20 ms older, before the packet itself: what Chromium sends. */
function red(copy: Uint8Array | undefined, own: Uint8Array): Uint8Array {
  if (copy === undefined) return concatBytes(Uint8Array.of(PAYLOAD_TYPE), own)
  const offset = 960
  const header = [0x80 | PAYLOAD_TYPE, offset >> 6, ((offset & 0x3f) << 2) | (copy.length >> 8)]
  return concatBytes(Uint8Array.of(...header, copy.length & 0xff, PAYLOAD_TYPE), copy, own)
}

function rms(samples: Int16Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
}
