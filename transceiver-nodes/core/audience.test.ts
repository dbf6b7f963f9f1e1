import { expect, test } from 'vitest'
import { MAX_SIDEBANDS } from '#shared/control/sideband'
import { Audience } from './audience.ts'
import type { Listener } from './audience.ts'

function listener(): Listener & { readonly heard: string[] } {
  const heard: string[] = []
  return {
    heard,
    handleEvent: (text) => void heard.push(text),
    handleEnd: (reason) => void heard.push(`end ${reason}`),
  }
}

test('every listener hears every event while it is there, and the end once', () => {
  const audience = new Audience()
  const [first, second] = [listener(), listener()]
  audience.add(first)
  audience.tell('a')
  audience.add(second)
  audience.tell('b')
  audience.remove(first)
  audience.tell('c')
  audience.end('hang-up')
  audience.end('again')
  expect(first.heard).toEqual(['a', 'b'])
  expect(second.heard).toEqual(['b', 'c', 'end hang-up'])
})

test('a call has only so many listeners at once', () => {
  const audience = new Audience()
  const listeners = Array.from({ length: MAX_SIDEBANDS }, listener)
  expect(listeners.every((one) => audience.add(one))).toBe(true)
  expect(audience.add(listener())).toBe(false)
  audience.remove(listeners[0]!)
  expect(audience.add(listener())).toBe(true)
})
