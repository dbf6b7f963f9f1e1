/**
 * The items of one conversation, in order, and the `conversation.item.*` events about them.
 *
 * Bounded: of a very long conversation the oldest items are forgotten.
 */

import { requestError } from '#shared/realtime/client-events'
import type { ClientEvent, RequestError } from '#shared/realtime/client-events'
import { MAX_EVENT_CHARACTERS } from '#shared/realtime/events'
import type { MintId } from '#shared/realtime/events'
import { itemOf } from '#shared/realtime/items'
import type { ConversationItem } from '#shared/realtime/items'
import type { Emit } from '#shared/realtime/server-events'
import { SpokenItem } from './spoken-item.ts'

/** Something that is an item, now or while it is still being spoken. */
export interface ItemSource {
  readonly item: ConversationItem
}

/** What a client may ask about items. */
export type ItemRequest = Extract<ClientEvent, { type: `conversation.item.${string}` }>

interface Entry {
  readonly source: ItemSource
  readonly characters: number
}

/** One conversation. */
export class ConversationItems {
  readonly #emit: Emit
  readonly #mintId: MintId
  readonly #entries: Entry[] = []

  constructor(emit: Emit, mintId: MintId) {
    this.#emit = emit
    this.#mintId = mintId
  }

  /** The item said last. */
  get last(): ConversationItem | undefined {
    return this.#entries.at(-1)?.source.item
  }

  /** Appends an item and says so; returns the id of the one before it. */
  append(source: ItemSource): string | null {
    const previousId = this.last?.id ?? null
    this.#insert(source, this.#entries.length)
    this.#emit('conversation.item.added', { previous_item_id: previousId, item: source.item })
    return previousId
  }

  /** Does what the client asks. */
  handleRequest(request: ItemRequest): RequestError | undefined {
    switch (request.type) {
      case 'conversation.item.create':
        return this.#create(request)
      case 'conversation.item.retrieve':
        return this.#retrieve(request.item_id)
      case 'conversation.item.truncate':
        return this.#truncate(request)
      case 'conversation.item.delete':
        return this.#delete(request.item_id)
      default:
        return request satisfies never
    }
  }

  #create(request: Extract<ItemRequest, { type: 'conversation.item.create' }>): RequestError | undefined {
    const item = itemOf(request.item, this.#mintId('item'))
    if (this.#indexOf(item.id) >= 0) {
      return requestError(
        'item_already_exists',
        `An item with the id '${item.id}' already exists.`,
        'item.id',
      )
    }
    const index = this.#indexAfter(request.previous_item_id)
    if (index === undefined) return noSuchItem(request.previous_item_id ?? '', 'previous_item_id')
    const placed = { previous_item_id: this.#entries[index - 1]?.source.item.id ?? null, item }
    this.#insert({ item }, index)
    this.#emit('conversation.item.added', placed)
    this.#emit('conversation.item.done', placed)
    return undefined
  }

  #retrieve(id: string): RequestError | undefined {
    const item = this.#entries[this.#indexOf(id)]?.source.item
    if (item === undefined) return noSuchItem(id, 'item_id')
    this.#emit('conversation.item.retrieved', { item })
    return undefined
  }

  #truncate(request: Extract<ItemRequest, { type: 'conversation.item.truncate' }>): RequestError | undefined {
    const { item_id: id, content_index: index, audio_end_ms: end } = request
    const source = this.#entries[this.#indexOf(id)]?.source
    if (source === undefined) return noSuchItem(id, 'item_id')
    if (!(source instanceof SpokenItem) || index !== 0) {
      return requestError('invalid_value', 'Only audio that the agent spoke can be truncated.', 'item_id')
    }
    this.#emit('conversation.item.truncated', {
      item_id: id,
      content_index: index,
      audio_end_ms: source.truncate(end),
    })
    return undefined
  }

  #delete(id: string): RequestError | undefined {
    const index = this.#indexOf(id)
    if (index < 0) return noSuchItem(id, 'item_id')
    this.#entries.splice(index, 1)
    this.#emit('conversation.item.deleted', { item_id: id })
    return undefined
  }

  #insert(source: ItemSource, index: number): void {
    this.#entries.splice(index, 0, { source, characters: JSON.stringify(source.item).length })
    while (this.#entries.length > MAX_ITEMS || this.#characters() > MAX_CHARACTERS) this.#entries.shift()
  }

  #characters(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.characters, 0)
  }

  #indexOf(id: string): number {
    return this.#entries.findIndex(({ source }) => source.item.id === id)
  }

  /** Where an item goes: last unless it names the one before it; `root` is before the first. */
  #indexAfter(previousId: string | null | undefined): number | undefined {
    if (previousId === undefined || previousId === null) return this.#entries.length
    if (previousId === 'root') return 0
    const index = this.#indexOf(previousId)
    return index < 0 ? undefined : index + 1
  }
}

function noSuchItem(id: string, param: string): RequestError {
  return requestError('item_not_found', `There is no item with the id '${id}'.`, param)
}

/** More than a conversation of an hour has. */
const MAX_ITEMS = 128

/** Counted as JSON; one event cannot bring as much, so the newest item always stays. */
const MAX_CHARACTERS = 2 * MAX_EVENT_CHARACTERS
