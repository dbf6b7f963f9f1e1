/**
 * The voice AI behind a call, as the transceiver sees it: docs/backends.md.
 *
 * A backend speaks the OpenAI Realtime GA events. Audio travels beside the events, never inside them: whoever speaks
 * a wire protocol in which audio is base64 (the `realtime` backend) translates. It is 24 kHz mono PCM16, or, where a
 * backend takes it, the client's own codec passed through, which costs no decoding and no encoding.
 * The transceiver owns what only the media edge can know: the playout clock, `output_audio_buffer.*`, and
 * `conversation.item.truncate` when the user interrupts.
 */

import type { RealtimeEvent } from '#shared/realtime/events'
import type { BackendDrop } from './backend-fault.ts'

/** Names the content part that a piece of output audio belongs to. */
export interface AudioPart {
  readonly responseId: string
  readonly itemId: string
  readonly contentIndex: number
}

/** The codec that a client sends and takes. */
export type ClientCodec = 'opus' | 'pcmu' | 'pcma'

/** What a backend is told when a call begins. */
export interface BackendCall {
  /** The public call id, `rtc_…`. */
  readonly callId: string
  /** The session configuration that came with the ephemeral key or the offer, in the API's `session` shape. */
  readonly session: Readonly<Record<string, unknown>> | undefined
  /** What the client speaks; a backend may take and give it as it is. */
  readonly codec: ClientCodec
}

/** Where a backend's output goes; every method may be called at any time until `end`. */
export interface BackendOutput {
  /** Sends a server event to the client; `text` is the event as it came, if it came as text, and is sent as it is. */
  event(event: RealtimeEvent, text?: string): void
  /** Queues 24 kHz mono PCM16 for playout; it may come faster than real time. The samples are kept: do not reuse them. */
  audio(part: AudioPart, samples: Int16Array): void
  /** Queues one packet of the call's codec for playout, as it will be sent: 20 ms of audio. The bytes are copied. */
  packet(part: AudioPart, payload: Uint8Array): void
  /** Says that no more audio of this part follows, so that playout can report its end. */
  audioDone(part: AudioPart): void
  /** Counts something that cannot be used and is dropped. */
  drop(reason: BackendDrop): void
  /** Ends the call; `reason` is for the call's record. */
  end(reason: string): void
}

/** One call's conversation with a backend. */
export interface BackendSession {
  /** Takes a client event, from the data channel (`text` is how it came) or from the transceiver itself (truncation). */
  handleEvent(event: RealtimeEvent, text?: string): void
  /** How this session takes the microphone's audio: decoded, or in the call's codec. It may change between packets. */
  readonly inputFormat: 'pcm' | 'codec'
  /** While `inputFormat` is `pcm`: takes decoded microphone audio, 24 kHz mono PCM16; the samples are valid only during the call. */
  handleAudio(samples: Int16Array): void
  /**
   * While `inputFormat` is `codec`: takes one packet of the call's codec, in order, with what it lasts; an empty one
   * stands for a packet that was lost. The bytes are valid only during the call.
   */
  handlePacket(payload: Uint8Array, durationMillis: number): void
  /** Ends the conversation and frees what it holds. */
  close(): void
}

/** Opens conversations; one per transceiver process. */
export interface Backend {
  open(call: BackendCall, output: BackendOutput): BackendSession
}

/** Sample rate of all audio between transceiver and backend, the API's `audio/pcm` rate. */
export const BACKEND_SAMPLE_RATE_HZ = 24_000
