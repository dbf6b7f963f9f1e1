/** What goes wrong between a transceiver and a backend, as closed unions: the labels of metrics and call records. */

import type { AudioFrameFault } from '#shared/realtime/audio-frame'

/** Why a backend's connection ends a call. */
export type BackendEnd =
  /** It answered the handshake with a refusal that trying again does not mend. */
  | 'backend-refused'
  /** No attempt led to a session. */
  | 'backend-unreachable'
  /** It closed the conversation. */
  | 'backend-closed'
  /** The connection broke. */
  | 'backend-lost'
  /** It answered no ping. */
  | 'backend-silent'
  /** It sent more than a conversation can need. */
  | 'backend-flood'
  /** It takes no more events. */
  | 'backend-stalled'

/** What is dropped, and counted, while the call goes on; the metric puts `backend-` before it. */
export type BackendDrop =
  | 'event-not-json'
  | 'event-without-type'
  /** An `output_audio_buffer` event: those are the transceiver's own. */
  | 'event-owned'
  /** A delta without its ids, or whose audio is not whole samples. */
  | 'audio-malformed'
  /** A binary message on a connection that did not agree on any. */
  | 'frame-unexpected'
  | AudioFrameFault
  /** A packet for the client that does not last 20 ms, or whose part was never named. */
  | 'frame-not-20ms'
  | 'frame-part-unknown'
  /** Microphone audio from before the session began, beyond what is held. */
  | 'microphone-early'
  /** Microphone audio that the backend is too slow for. */
  | 'microphone-unsent'
  /** A client event from before the session began, beyond what is held. */
  | 'event-early'
