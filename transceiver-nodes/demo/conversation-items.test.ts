import { expect, test } from 'vitest'
import type { RealtimeEvent } from '#shared/realtime/events'
import { ConversationItems } from './conversation-items.ts'
import { SpokenItem } from './spoken-item.ts'

/** A conversation, and what it says about its items. */
function openItems() {
  const events: RealtimeEvent[] = []
  let ids = 0
  const items = new ConversationItems(
    (type, fields) => events.push({ type, ...fields }),
    (prefix) => `${prefix}_${++ids}`,
  )
  return { items, events }
}

const message = (id: string, text = 'Hello') =>
  ({ id, type: 'message', role: 'user', content: [{ type: 'input_text', text }] }) as const

const create = (id: string, previous?: string) =>
  ({
    type: 'conversation.item.create',
    item: message(id),
    ...(previous === undefined ? {} : { previous_item_id: previous }),
  }) as const

test('puts items last, first, or behind the one they name', () => {
  const { items, events } = openItems()
  for (const request of [create('b'), create('d'), create('a', 'root'), create('c', 'b')]) {
    expect(items.handleRequest(request)).toBeUndefined()
  }
  expect(items.last?.id).toBe('d')
  const placed = events.filter((event) => event.type === 'conversation.item.done')
  expect(placed.map((event) => event['previous_item_id'])).toEqual([null, 'b', null, 'b'])
})

test('gives an item without an id one, and a completed status', () => {
  const { items, events } = openItems()
  const { id: _, ...item } = message('x')
  items.handleRequest({ type: 'conversation.item.create', item })
  expect(events[0]).toMatchObject({
    type: 'conversation.item.added',
    item: { ...item, id: 'item_1', object: 'realtime.item', status: 'completed' },
  })
})

test('refuses an id twice, and an item behind one that is not there', () => {
  const { items, events } = openItems()
  items.handleRequest(create('a'))
  expect(items.handleRequest(create('a'))).toMatchObject({ code: 'item_already_exists' })
  expect(items.handleRequest(create('b', 'x'))).toMatchObject({ param: 'previous_item_id' })
  expect(events.length).toBe(2)
})

test('retrieves and deletes', () => {
  const { items, events } = openItems()
  items.handleRequest(create('a'))
  items.handleRequest({ type: 'conversation.item.retrieve', item_id: 'a' })
  expect(events.at(-1)).toMatchObject({ type: 'conversation.item.retrieved', item: { id: 'a' } })
  items.handleRequest({ type: 'conversation.item.delete', item_id: 'a' })
  expect(events.at(-1)).toEqual({ type: 'conversation.item.deleted', item_id: 'a' })
  expect(items.handleRequest({ type: 'conversation.item.retrieve', item_id: 'a' })).toMatchObject({
    code: 'item_not_found',
  })
  expect(items.handleRequest({ type: 'conversation.item.delete', item_id: 'a' })).toMatchObject({
    code: 'item_not_found',
  })
})

test('truncates only what was spoken, and no further than it goes', () => {
  const { items, events } = openItems()
  const spoken = new SpokenItem('s', 'audio')
  spoken.append('One.', 1000)
  items.handleRequest(create('a'))
  items.append(spoken)
  const cut = { type: 'conversation.item.truncate', content_index: 0, audio_end_ms: 5000 } as const
  expect(items.handleRequest({ ...cut, item_id: 's' })).toBeUndefined()
  expect(events.at(-1)).toEqual({
    type: 'conversation.item.truncated',
    item_id: 's',
    content_index: 0,
    audio_end_ms: 1000,
  })
  expect(items.handleRequest({ ...cut, item_id: 'a' })).toMatchObject({ code: 'invalid_value' })
  expect(items.handleRequest({ ...cut, item_id: 's', content_index: 1 })).toMatchObject({
    code: 'invalid_value',
  })
  expect(items.handleRequest({ ...cut, item_id: 'x' })).toMatchObject({ code: 'item_not_found' })
})

test('forgets the oldest of very many items, and of very large ones', () => {
  const { items } = openItems()
  for (let i = 0; i < 129; i++) items.handleRequest(create(`many_${i}`))
  const find = (id: string) => items.handleRequest({ type: 'conversation.item.retrieve', item_id: id })
  expect(find('many_0')).toMatchObject({ code: 'item_not_found' })
  expect(find('many_1')).toBeUndefined()
  for (let i = 0; i < 100; i++) {
    items.handleRequest({ type: 'conversation.item.create', item: message(`large_${i}`, 'x'.repeat(8000)) })
  }
  expect(find('many_128')).toMatchObject({ code: 'item_not_found' })
  expect(find('large_0')).toMatchObject({ code: 'item_not_found' })
  expect(find('large_99')).toBeUndefined()
})
