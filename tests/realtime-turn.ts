/** What a model server says in one response, in the shape that the `openai` package gives it. */

import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime'

/** Where the speech of `turnOf` belongs. */
export const PART = { response_id: 'resp_1', item_id: 'item_1', output_index: 0, content_index: 0 } as const

/** A whole response that says `audio`, in deltas of `pieceBytes`, as OpenAI's server sends it. */
export function turnOf(audio: Int16Array | Uint8Array, pieceBytes = 96_000): RealtimeServerEvent[] {
  const bytes = Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength)
  const item = {
    id: 'item_1',
    object: 'realtime.item',
    type: 'message',
    role: 'assistant',
    content: [],
  } as const
  const response = { id: 'resp_1', object: 'realtime.response', status: 'in_progress', output: [] } as const
  const address = { response_id: 'resp_1', output_index: 0 } as const
  const deltas: RealtimeServerEvent[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const delta = bytes.subarray(at, at + pieceBytes).toString('base64')
    deltas.push({ type: 'response.output_audio.delta', event_id: 'e', ...PART, delta })
  }
  return [
    { type: 'response.created', event_id: 'e', response: { ...response, output: [] } },
    { type: 'response.output_item.added', event_id: 'e', ...address, item: { ...item, content: [] } },
    { type: 'response.content_part.added', event_id: 'e', ...PART, part: { type: 'audio', transcript: '' } },
    { type: 'response.output_audio_transcript.delta', event_id: 'e', ...PART, delta: 'Hello.' },
    ...deltas,
    { type: 'response.output_audio.done', event_id: 'e', ...PART },
    { type: 'response.output_audio_transcript.done', event_id: 'e', ...PART, transcript: 'Hello.' },
    { type: 'response.output_item.done', event_id: 'e', ...address, item: { ...item, content: [] } },
    { type: 'response.done', event_id: 'e', response: { ...response, status: 'completed', output: [] } },
  ]
}
