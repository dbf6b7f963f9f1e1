import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import { millisOf } from '#shared/time'
import { IcePath } from './ice/path.ts'
import { SessionTable } from './session-table.ts'

const NOW = millisOf(0)

function path(vip: number, port: number): IcePath {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, { address: '198.51.100.7', port, listener: 0, transport: 'udp' })
  return new IcePath(vip, 0, words, 0, 0, NOW)
}

test('finds a session by handle until it is removed, and refuses a taken handle and one too many', () => {
  const table = new SessionTable<string>(2, [0, 0])
  expect(table.add(7, 'a')).toBe(true)
  expect(table.add(7, 'b')).toBe(false)
  expect(table.add(8, 'b')).toBe(true)
  expect(table.isFull).toBe(true)
  expect(table.add(9, 'c')).toBe(false)
  table.remove(7)
  expect(table.byHandle(7)).toBeUndefined()
  expect([...table.sessions()]).toEqual(['b'])
})

test('tells the same client through two VIPs apart', () => {
  const table = new SessionTable<string>(2, [0, 0])
  const [first, second] = [path(0, 1000), path(1, 1000)]
  table.add(1, 'a')
  table.add(2, 'b')
  table.bind(first, 'a', NOW)
  table.bind(second, 'b', NOW)
  expect(table.sessionAt(table.find(0, first.client, 0))).toBe('a')
  expect(table.sessionAt(table.find(1, first.client, 0))).toBe('b')
  expect(table.pathAt(table.find(1, first.client, 0))).toBe(second)
  expect(table.find(2, first.client, 0)).toBe(-1)
})

test('gives an endpoint to the call that proved itself last, and lets the earlier one not take it away', () => {
  const table = new SessionTable<string>(2, [0, 0])
  const [earlier, later] = [path(0, 1000), path(0, 1000)]
  table.add(1, 'a')
  table.add(2, 'b')
  table.bind(earlier, 'a', NOW)
  table.bind(later, 'b', NOW)
  table.unbind(earlier)
  expect(table.sessionAt(table.find(0, later.client, 0))).toBe('b')
  table.unbind(later)
  expect(table.find(0, later.client, 0)).toBe(-1)
})
