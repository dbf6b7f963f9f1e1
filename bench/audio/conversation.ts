/**
 * One way of a call on a virtual clock: speech, coded as Chromium codes it, through a simulated network into the real
 * `AudioReceiver` with the real decoder. docs/audio.md.
 */

import { concatBytes } from '#shared/bytes'
import { RTP_HEADER_BYTES, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { millisOf } from '#shared/time'
import { simulateNetwork, TRANSIT_MILLIS } from '../../tests/jittery-network.ts'
import type { NetworkOptions } from '../../tests/jittery-network.ts'
import { BACKEND_SAMPLE_RATE_HZ } from '../../transceiver-nodes/backends/backend.ts'
import { AudioReceiver } from '../../transceiver-nodes/core/media/audio-receiver.ts'
import { FRAME_MILLIS, FRAME_SAMPLES } from '../../transceiver-nodes/core/media/pacer.ts'
import type { DelayBounds } from '../../transceiver-nodes/core/media/playout-delay.ts'
import { CALL_CODECS } from '../../transceiver-nodes/io/call-codec.ts'
import { createOpusEncoder } from '../../transceiver-nodes/io/opus.ts'
import { scoreIntelligibility } from './intelligibility.ts'
import { spectralDistanceDb } from './spectral-distance.ts'

/** How the sender guards against loss. */
export type Protection = 'none' | 'fec' | 'red'

/** What came out. */
export interface Outcome {
  /** Mean time that a frame spends in the network's jitter and in the jitter buffer. */
  readonly delayMillis: number
  readonly concealedPercent: number
  readonly recoveredPercent: number
  /** STOI of what comes out against what went in, 0 to 1. */
  readonly score: number
  readonly spectralDistanceDb: number
  /** Payload, without headers. */
  readonly kilobitsPerSecond: number
}

/** Speech as packets. */
export interface CodedSpeech {
  readonly samples: Int16Array
  readonly payloadType: number
  readonly payloads: readonly Uint8Array[]
}

/** Codes `samples` as Chromium does for this loss: 32 kbit/s, complexity 9, and one copy in a packet of RED. */
export function codeSpeech(samples: Int16Array, protection: Protection, lossShare: number): CodedSpeech {
  const encoder = createOpusEncoder({
    bitrate: 32_000,
    complexity: 9,
    inbandFec: protection === 'fec',
    expectedLossPercent: Math.round(lossShare * 100),
    dtx: false,
  })
  const memory = new Uint8Array(1_000)
  const payloads = Array.from({ length: samples.length / FRAME_SAMPLES }, (_, frame) => {
    const spoken = samples.slice(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES)
    return memory.slice(0, encoder.encode(spoken, memory, 0, memory.length))
  })
  encoder.close()
  if (protection !== 'red') return { samples, payloadType: OPUS, payloads }
  return { samples, payloadType: RED, payloads: payloads.map((own, i) => withCopy(payloads[i - 1], own)) }
}

/** Sends `speech` over the network and measures what is heard; without bounds the delay adapts. */
export function converse(
  speech: CodedSpeech,
  network: Omit<NetworkOptions, 'driftPpm'>,
  delayBounds?: DelayBounds,
): Outcome {
  const frames = speech.payloads.length
  const heard = new Int16Array(speech.samples.length)
  let written = 0
  let delays = 0
  let now = 0
  const receiver = new AudioReceiver({
    payloadType: OPUS,
    redPayloadType: RED,
    format: CALL_CODECS.opus.format,
    createDecoder: () => CALL_CODECS.opus.createDecoder(),
    listener: {
      inputFormat: 'pcm',
      handleAudio(samples) {
        // When all has been said, silence follows.
        if (written >= heard.length) return
        delays += now - sentAt(written / FRAME_SAMPLES) - TRANSIT_MILLIS
        heard.set(samples.subarray(0, heard.length - written), written)
        written += samples.length
      },
      handlePacket() {},
    },
    ...(delayBounds && { delayBounds }),
  })
  const arrivals = simulateNetwork(frames, { ...network, driftPpm: DRIFT_PPM })
  let next = 0
  for (; next < arrivals.length || now < frames * FRAME_MILLIS + TAIL_MILLIS; now += FRAME_MILLIS) {
    for (let arrival = arrivals[next]; arrival !== undefined && arrival.arrivesAt <= now;) {
      deliver(receiver, speech, arrival.index, arrival.arrivesAt)
      arrival = arrivals[++next]
    }
    receiver.tick(millisOf(now))
  }
  receiver.close()
  const played = written / FRAME_SAMPLES
  const { said, result } = align(speech.samples, heard)
  return {
    delayMillis: rounded(delays / played, 1),
    concealedPercent: rounded((receiver.concealed * 100) / played, 2),
    recoveredPercent: rounded(((receiver.fecRecovered + receiver.redRecovered) * 100) / played, 2),
    score: rounded(scoreIntelligibility(said, result, BACKEND_SAMPLE_RATE_HZ), 4),
    spectralDistanceDb: rounded(spectralDistanceDb(said, result, BACKEND_SAMPLE_RATE_HZ), 2),
    kilobitsPerSecond: rounded(
      (speech.payloads.reduce((sum, { length }) => sum + length, 0) * 8) / (frames * FRAME_MILLIS),
      1,
    ),
  }
}

function deliver(receiver: AudioReceiver, speech: CodedSpeech, index: number, at: number): void {
  const payload = speech.payloads[index] ?? new Uint8Array(0)
  const memory = new Uint8Array(RTP_HEADER_BYTES + payload.length)
  writeRtpHeader(memory, 0, speech.payloadType, false, index & 0xffff, (index * 960) >>> 0, 1)
  memory.set(payload, RTP_HEADER_BYTES)
  RTP.read(memory, 0, memory.length)
  receiver.handleRtp(RTP, memory, millisOf(at))
}

function sentAt(frame: number): number {
  return frame * FRAME_MILLIS * (1 + DRIFT_PPM / 1e6)
}

/** Opus is late by its look-ahead: the shift, up to 20 ms, at which both are most alike. */
function align(said: Int16Array, heard: Int16Array): { said: Int16Array; result: Int16Array } {
  let best = 0
  let bestProduct = -Infinity
  for (let shift = 0; shift < FRAME_SAMPLES; shift++) {
    let product = 0
    for (let i = 0; i < ALIGNED_SAMPLES; i++) product += (said[i] ?? 0) * (heard[i + shift] ?? 0)
    if (product <= bestProduct) continue
    best = shift
    bestProduct = product
  }
  return { said: said.subarray(0, said.length - best), result: heard.subarray(best) }
}

/** RFC 2198: one copy, 20 ms older. */
function withCopy(copy: Uint8Array | undefined, own: Uint8Array): Uint8Array {
  if (copy === undefined) return concatBytes(Uint8Array.of(OPUS), own)
  const [offset, length] = [960, copy.length]
  const header = [0x80 | OPUS, offset >> 6, ((offset & 0x3f) << 2) | (length >> 8), length & 0xff, OPUS]
  return concatBytes(Uint8Array.from(header), copy, own)
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

const RTP = new RtpView()
/** The sender's clock is slow by this, so that its packets and our ticks come to stand in every way to each other. */
const DRIFT_PPM = 200
const OPUS = 111
const RED = 63
/** For the last packets to be played. */
const TAIL_MILLIS = 1_000
/** Five seconds. */
const ALIGNED_SAMPLES = BACKEND_SAMPLE_RATE_HZ * 5
