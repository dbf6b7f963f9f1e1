import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_QUEUED_BYTES, PacketQueue } from './packet-queue.ts'

test('gives back what it was given, in the order in which it came', () => {
  const packet = fc.uint8Array({ minLength: 1, maxLength: MAX_QUEUED_BYTES })
  const small = fc.uint8Array({ minLength: 1, maxLength: 80 })
  const step = fc.option(fc.oneof({ weight: 4, arbitrary: small }, packet), { freq: 2 })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const [queue, model] = [new PacketQueue(), [] as Uint8Array[]]
      for (const pushed of [...steps, ...steps.map(() => null)]) {
        if (pushed !== null) {
          queue.push(pushed)
          model.push(pushed)
        } else expect(shift(queue)).toEqual(model.shift())
        expect(queue.count).toBe(model.length)
      }
    }),
  )
})

test('copies: what was pushed may be written over', () => {
  const queue = new PacketQueue()
  const packet = new Uint8Array([1, 2, 3])
  queue.push(packet)
  packet.fill(9)
  expect(shift(queue)).toEqual(new Uint8Array([1, 2, 3]))
})

test('keeps to one page while it runs empty in between', () => {
  const queue = new PacketQueue()
  queue.push(new Uint8Array(100))
  queue.shift()
  const page = queue.memory
  for (let i = 0; i < 100; i++) {
    queue.push(new Uint8Array(100).fill(i))
    expect(shift(queue)).toEqual(new Uint8Array(100).fill(i))
    expect(queue.memory).toBe(page)
  }
})

test('takes turns with two pages while it always holds something', () => {
  const queue = new PacketQueue()
  const pages = new Set<Uint8Array>()
  queue.push(new Uint8Array(100).fill(1))
  for (let i = 2; i < 200; i++) {
    queue.push(new Uint8Array(100).fill(i))
    expect(shift(queue)).toEqual(new Uint8Array(100).fill(i - 1))
    pages.add(queue.memory)
  }
  expect(pages.size).toBe(2)
})

test('refuses what is no packet, or too long a one', () => {
  const queue = new PacketQueue()
  expect(() => queue.push(new Uint8Array(0))).toThrow(RangeError)
  expect(() => queue.push(new Uint8Array(MAX_QUEUED_BYTES + 1))).toThrow(RangeError)
  expect(queue.shift()).toBe(false)
})

function shift(queue: PacketQueue): Uint8Array | undefined {
  return queue.shift() ? queue.memory.slice(queue.start, queue.start + queue.length) : undefined
}
