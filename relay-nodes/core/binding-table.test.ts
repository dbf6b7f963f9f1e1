import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { BindingTable } from './binding-table.ts'

const clients = [1, 2, 3].map((port) => clientWords({ address: '192.0.2.1', port })) as [
  Int32Array,
  Int32Array,
  Int32Array,
]

test('keeps the latest route of a client until it is removed', () => {
  const table = new BindingTable(2, [1, 2])
  expect(table.find(clients[0], 0)).toBeUndefined()
  table.enter(clients[0], 0, 7, NOW)
  table.enter(clients[0], 0, -8, NOW)
  expect([table.find(clients[0], 0), table.size]).toEqual([-8, 1])
  table.remove(clients[0], 0)
  table.remove(clients[0], 0)
  expect([table.find(clients[0], 0), table.size]).toEqual([undefined, 0])
})

test('lets the one go that was entered the longest ago when it is full', () => {
  const table = new BindingTable(2, [1, 2])
  table.enter(clients[0], 0, 1, NOW)
  table.enter(clients[1], 0, 2, NOW)
  table.enter(clients[0], 0, 1, millisOf(NOW + 5_000))
  table.enter(clients[2], 0, 3, millisOf(NOW + 5_000))
  expect(clients.map((client) => table.find(client, 0))).toEqual([1, undefined, 3])
})

const NOW = millisOf(1_000)
