import { expect, test } from 'vitest'
import type { Client } from '#shared/endpoint'
import { millisOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { SOURCE_BURST, SOURCE_RATE, SourceBudget } from './source-budget.ts'

const HERE: Client = { address: '198.51.100.7', port: 4_000, listener: 0, transport: 'udp' }
const HOME: Client = { ...HERE, address: '2001:db8:1:ab00::1' }

test('looks into a burst, then into so many checks per second', () => {
  const budget = new SourceBudget([1, 2])
  expect(taken(budget, HERE, SOURCE_BURST + 100, 5_000)).toBe(SOURCE_BURST)
  expect(taken(budget, HERE, 100, 5_000)).toBe(0)
  expect(taken(budget, HERE, SOURCE_RATE + 100, 6_000)).toBe(SOURCE_RATE)
  expect(taken(budget, HERE, SOURCE_BURST + 100, 60_000)).toBe(SOURCE_BURST)
})

test('is one for an IPv4 /24, whatever the port and the listener', () => {
  const budget = new SourceBudget([1, 2])
  taken(budget, HERE, SOURCE_BURST, 0)
  const neighbours = [
    { ...HERE, address: '198.51.100.255' },
    { ...HERE, port: 1 },
    { ...HERE, listener: 9, transport: 'tcp' as const },
  ]
  for (const neighbour of neighbours) expect(taken(budget, neighbour, 1, 0)).toBe(0)
  expect(taken(budget, { ...HERE, address: '198.51.101.7' }, 1, 0)).toBe(1)
})

test('is one for an IPv6 /56', () => {
  const budget = new SourceBudget([1, 2])
  taken(budget, HOME, SOURCE_BURST, 0)
  expect(taken(budget, { ...HOME, address: '2001:db8:1:abff:ffff::1' }, 1, 0)).toBe(0)
  expect(taken(budget, { ...HOME, address: '2001:db8:1:ac00::1' }, 1, 0)).toBe(1)
})

test('of one network is hardly ever that of another', () => {
  const budget = new SourceBudget([3, 4])
  for (let i = 0; i < 64; i++) taken(budget, { ...HERE, address: `10.0.${i}.1` }, SOURCE_BURST, 0)
  const others = Array.from({ length: 1_000 }, (_, i) => `10.${1 + (i >> 8)}.${i & 255}.1`)
  expect(others.filter((address) => taken(budget, { ...HERE, address }, 1, 0) === 0).length).toBeLessThan(10)
})

test('survives a clock that stands still', () => {
  const budget = new SourceBudget([1, 2])
  for (let i = 0; i < 3; i++) taken(budget, HERE, SOURCE_BURST, 0)
  expect(taken(budget, HERE, SOURCE_RATE * 2, 1_000)).toBe(SOURCE_RATE)
})

function taken(budget: SourceBudget, client: Client, checks: number, now: number): number {
  const words = clientWords(client)
  let count = 0
  for (let i = 0; i < checks; i++) count += Number(budget.take(words, 0, millisOf(now)))
  return count
}
