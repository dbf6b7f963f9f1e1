/**
 * Keeps the audio formats of a Realtime session what the media plane gives and takes (API reference, Realtime,
 * `session.audio.input.format` and `.output.format`; docs/backends.md).
 *
 * A client may write any format into its events, because over WebRTC it means nothing: media is RTP. Towards the
 * backend it means everything, so what differs is replaced; an event that says nothing of formats is untouched.
 */

import type { RealtimeEvent } from '#shared/realtime/events'
import type { ClientCodec } from '../../backends/backend.ts'

/** A value of `session.audio.*.format`. */
export type AudioFormat =
  { readonly type: 'audio/pcm'; readonly rate: 24_000 } | { readonly type: 'audio/pcmu' | 'audio/pcma' }

/**
 * Returns the format of a call's audio in events; undefined when it is not in events at all, because the backend
 * takes Opus in binary messages.
 */
export function audioFormatOf(codec: ClientCodec, isBinary: boolean): AudioFormat | undefined {
  if (isBinary) return undefined
  return codec === 'opus' ? { type: 'audio/pcm', rate: 24_000 } : { type: `audio/${codec}` }
}

/**
 * Writes the `session` of the update that begins a conversation: what the call was placed with, in our format.
 * `model` is left out: it stands in the URL, and cannot be changed afterwards.
 */
export function openingSession(
  session: Readonly<Record<string, unknown>> | undefined,
  format: AudioFormat | undefined,
): Record<string, unknown> {
  const { model: _, ...rest } = session ?? {}
  const type = rest['type'] ?? 'realtime'
  const input = { ...recordOf(recordOf(rest['audio'])['input']), format }
  const output = { ...recordOf(recordOf(rest['audio'])['output']), format }
  // A transcription session has no output.
  const audio = { ...recordOf(rest['audio']), input, ...(type === 'transcription' ? {} : { output }) }
  return { ...rest, type, audio }
}

/** Returns `event` itself unless it asks for another format than `format`, and else a copy that does not. */
export function keepFormat(event: RealtimeEvent, format: AudioFormat | undefined): RealtimeEvent {
  const field = FIELD_WITH_AUDIO[event.type]
  if (field === undefined) return event
  const settings = recordOf(event[field])
  const audio = recordOf(settings['audio'])
  const changed = Object.entries(audio).filter(([, way]) => asksForAnother(way, format))
  if (changed.length === 0) return event
  const ways = changed.map(([name, way]) => [name, { ...recordOf(way), format }])
  return { ...event, [field]: { ...settings, audio: { ...audio, ...Object.fromEntries(ways) } } }
}

function asksForAnother(way: unknown, format: AudioFormat | undefined): boolean {
  const asked = recordOf(way)['format']
  return asked !== undefined && (format === undefined || recordOf(asked)['type'] !== format.type)
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** The client events that can name an audio format, and where. */
const FIELD_WITH_AUDIO: Readonly<Partial<Record<string, string>>> = {
  'session.update': 'session',
  'response.create': 'response',
}
