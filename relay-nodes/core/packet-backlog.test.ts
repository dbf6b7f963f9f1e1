import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PacketBacklog } from './packet-backlog.ts'

test('gives packets back in the order they came', () => {
  const backlog = new PacketBacklog(100)
  expect([backlog.add(packet(1, 40)), backlog.add(packet(2, 60))]).toEqual([0, 0])
  expect([backlog.take(), backlog.take(), backlog.take()]).toEqual([packet(1, 40), packet(2, 60), undefined])
})

test('drops the oldest for the newest, as many as it takes', () => {
  const backlog = new PacketBacklog(100)
  for (const length of [10, 20, 30, 40]) backlog.add(packet(length, length))
  expect(backlog.add(packet(5, 60))).toBe(3)
  expect([backlog.take(), backlog.take(), backlog.take()]).toEqual([packet(40, 40), packet(5, 60), undefined])
})

test('holds the newest that fit, and counts the others', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 50 })
  const property = fc.property(lengths, (sent) => {
    const backlog = new PacketBacklog(100)
    const dropped = sent.reduce((sum, length, i) => sum + backlog.add(packet(i, length)), 0)
    const kept: Uint8Array[] = []
    for (let next = backlog.take(); next !== undefined; next = backlog.take()) kept.push(next)
    expect(kept).toEqual(sent.map((length, i) => packet(i, length)).slice(dropped))
    expect(kept.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(100)
  })
  fc.assert(property)
})

function packet(mark: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(mark)
}
