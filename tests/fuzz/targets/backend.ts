/** What a backend sends: binary audio frames (`shared/realtime/audio-frame.ts`), and events on their way to playout. */

import { concatBytes, fromUtf8, toBase64, utf8 } from '#shared/bytes'
import { AUDIO_FRAME_HEADER_BYTES, AudioFrameView, writeAudioFrameHeader } from '#shared/realtime/audio-frame'
import { parseBackendEvent } from '#shared/realtime/events'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { BackendOutput, ClientCodec } from '../../../transceiver-nodes/backends/backend.ts'
import { RealtimeSpeech } from '../../../transceiver-nodes/backends/realtime-speech.ts'
import { Conversation } from '../../../transceiver-nodes/core/conversation.ts'
import {
  MAX_BACKLOG_SECONDS,
  MAX_PACKET_BYTES,
  Playout,
} from '../../../transceiver-nodes/core/media/playout.ts'
import { keepFormat } from '../../../transceiver-nodes/core/realtime/session-audio.ts'
import { mustLeavePrototypeAlone, mutateJson } from '../mutate-json.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const audioFrame: FuzzTarget = {
  name: 'audio-frame',
  maxBytes: 64,
  seeds: () => [
    frameOf(false, Uint8Array.of(0xf8, 1, 2)),
    frameOf(true, new Uint8Array(0)),
    new Uint8Array(3),
  ],
  run(input) {
    const view = new AudioFrameView()
    const fault = view.read(input)
    if (fault !== undefined) return fault
    const { isLost, durationMillis, sequence, part, payloadStart, payloadLength } = view
    const payload = input.subarray(payloadStart, payloadStart + payloadLength)
    mustEqual(frameOf(isLost, payload, durationMillis, sequence, part), Uint8Array.from(input), 'a frame')
    return isLost ? 'lost' : 'packet'
  },
}

export const backendEvent: FuzzTarget = {
  name: 'backend-event',
  maxBytes: 4_000,
  seeds: () => EVENTS.map((event) => utf8(JSON.stringify(event))),
  words: ['"delta":', '"part":', '"content_index":', 'AAAA', '=', '\\u0000', '1e999'],
  repair: mutateJson,
  run(input) {
    const event = parseBackendEvent(fromUtf8(input) ?? '')
    if (typeof event === 'string') return event
    for (const codec of ['opus', 'pcma'] as const) mustPlay(event, codec)
    mustEqual(
      keepFormat(keepFormat(event, undefined), undefined),
      keepFormat(event, undefined),
      'a format kept twice',
    )
    mustLeavePrototypeAlone()
    return EVENTS.some(({ type }) => type === event.type) ? event.type : 'another'
  },
}

/** Whatever the event says, playout stays within its bounds, and plays out. */
function mustPlay(event: RealtimeEvent, codec: ClientCodec): void {
  const playout = new Playout()
  const conversation = new Conversation(playout, {
    toClient: () => {},
    toBackend: (sent) =>
      mustHold(Number.isInteger(sent['audio_end_ms']), 'a truncation in whole milliseconds'),
    describePath: () => ({}),
    eventId: () => 'e',
  })
  const speech = new RealtimeSpeech(codec, outputTo(conversation))
  speech.handlePartName(event)
  speech.handleFrame(frameOf(false, Uint8Array.of(0xf8, 1), 20, 1, 7))
  speech.handleDelta(event)
  conversation.handleBackendEvent(event)
  const frame = new Int16Array(480)
  playout.pull(frame)
  mustHold(playout.packet.length <= MAX_PACKET_BYTES, 'a packet that fits')
  mustHold(playout.backlogMillis <= MAX_BACKLOG_SECONDS * 1_000, 'a backlog within its bound')
  speech.handleDone(event)
  speech.handleResponseDone(event)
  for (let frames = 0; playout.pull(frame) !== 'idle'; frames++) mustHold(frames < 1_000, 'an end')
  conversation.handleBackendEvent({ type: 'input_audio_buffer.speech_started' })
  mustHold(playout.backlogMillis === 0, 'an interruption that empties the queue')
}

function outputTo(conversation: Conversation): BackendOutput {
  return {
    event: (event) => conversation.handleBackendEvent(event),
    audio: (part, samples) => conversation.handleAudio(part, samples),
    packet: (part, payload) => conversation.handlePacket(part, payload),
    audioDone: (part) => conversation.handleAudioDone(part),
    drop: () => {},
    end: () => {},
  }
}

function frameOf(isLost: boolean, payload: Uint8Array, duration = 20, sequence = 1, part = 7): Uint8Array {
  const header = new Uint8Array(AUDIO_FRAME_HEADER_BYTES)
  writeAudioFrameHeader(header, isLost, duration, sequence, part)
  return concatBytes(header, payload)
}

const PART = { response_id: 'r', item_id: 'i', content_index: 0 }
const EVENTS = [
  { type: 'response.output_audio.delta', ...PART, delta: toBase64(new Uint8Array(1_000).fill(7)) },
  { type: 'response.output_audio.done', ...PART },
  { type: 'firsthop.output_audio.part', ...PART, part: 7 },
  { type: 'response.done', response: { id: 'r', status: 'completed' } },
  { type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id: 'i' },
  {
    type: 'session.updated',
    session: { audio: { input: { turn_detection: { type: 'server_vad', interrupt_response: true } } } },
  },
  { type: 'session.update', session: { audio: { input: { format: { type: 'audio/pcmu' } }, output: {} } } },
  {
    type: 'response.create',
    response: { audio: { output: { format: { type: 'audio/pcm', rate: 24_000 } } } },
  },
]
