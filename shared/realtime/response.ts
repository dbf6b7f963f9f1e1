/** A response as `response.created` and `response.done` show it (API reference, Realtime, `response.done`). */

import type { ResponseSettings } from './client-events.ts'
import type { ConversationItem } from './items.ts'
import type { OutputSettings } from './session-config.ts'

/** How a response ended. */
export type ResponseEnd =
  | { readonly type: 'completed' }
  | { readonly type: 'cancelled'; readonly reason: 'turn_detected' | 'client_cancelled' }
  | {
      readonly type: 'failed'
      readonly error: { readonly type: 'server_error'; readonly code: string; readonly message: string }
    }

/** A response; without `usage`, because nothing was metered. */
export interface RealtimeResponse {
  readonly id: string
  readonly object: 'realtime.response'
  readonly status: 'in_progress' | ResponseEnd['type']
  readonly status_details?: ResponseEnd
  readonly output: ConversationItem[]
  /** Null when the response stands outside the conversation. */
  readonly conversation_id: string | null
  readonly output_modalities: OutputSettings['output_modalities']
  readonly max_output_tokens: OutputSettings['max_output_tokens']
  readonly metadata: ResponseSettings['metadata']
}
