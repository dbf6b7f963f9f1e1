/** Finds what a response answers: the item said last, or the input that came with the request. */

import type { ConversationItem, ItemDraft } from '#shared/realtime/items'
import type { Prompt } from './brain.ts'
import type { HeardSpeech } from './user-turns.ts'

/** Makes a prompt of `last`, the last item; `takeHeard` has the recording if it was spoken. */
export function promptOf(
  last: ConversationItem | undefined,
  takeHeard: (itemId: string) => HeardSpeech | undefined,
): Prompt {
  if (last === undefined) return { type: 'opening' }
  if (last.type === 'function_call_output') return { type: 'tool-output', output: last.output }
  if (last.type !== 'message' || last.role !== 'user') return { type: 'nothing' }
  const heard = takeHeard(last.id)
  if (heard !== undefined) return { type: 'voice', ...heard }
  const text = textOf([last])
  return text === '' ? { type: 'nothing' } : { type: 'text', text }
}

/** Makes a prompt of input that the conversation does not hold: it is spoken as it is. */
export function scriptOf(input: readonly ItemDraft[]): Prompt {
  return { type: 'script', text: textOf(input) }
}

function textOf(items: readonly ItemDraft[]): string {
  const texts: string[] = []
  for (const item of items) {
    if (item.type !== 'message') continue
    for (const part of item.content) if ('text' in part) texts.push(part.text)
  }
  return texts.join(' ').trim()
}
