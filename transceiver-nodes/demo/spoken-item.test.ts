import { expect, test } from 'vitest'
import { SpokenItem } from './spoken-item.ts'

function spoken(): SpokenItem {
  const item = new SpokenItem('item_1', 'audio')
  item.append('One.', 1000)
  item.append(' Two.', 500)
  return item
}

test('has no content until something is said', () => {
  expect(new SpokenItem('item_1', 'audio').item).toMatchObject({ status: 'in_progress', content: [] })
})

test('has the transcript of what was said', () => {
  const item = spoken()
  item.finish('completed')
  expect(item.item).toMatchObject({
    status: 'completed',
    content: [{ type: 'output_audio', transcript: 'One. Two.' }],
  })
})

test.each([
  [0, 0, ''],
  [999, 999, 'One.'],
  [1000, 1000, 'One.'],
  [1001, 1001, 'One. Two.'],
  [9000, 1500, 'One. Two.'],
])('cut at %i ms ends at %i ms with "%s"', (at, end, text) => {
  const item = spoken()
  expect(item.truncate(at)).toBe(end)
  expect(item.text).toBe(text)
})

test('grows no more once it is cut, and stays incomplete', () => {
  const item = spoken()
  item.truncate(500)
  item.append(' Three.', 100)
  item.finish('completed')
  expect(item.item).toMatchObject({ status: 'incomplete', content: [{ transcript: 'One.' }] })
})
