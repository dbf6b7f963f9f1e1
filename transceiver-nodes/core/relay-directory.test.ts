import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { RelayRecord } from '#shared/fleet/record'
import { epochSecondsOf, millisOf } from '#shared/time'
import { RelayDirectory } from './relay-directory.ts'

const NOW = millisOf(0)

function record(id: string, address: string, port = 7471): RelayRecord {
  const vips = [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [] }]
  const heartbeatAt = epochSecondsOf(0)
  const place = { region: 'here', latitude: 0, longitude: 0 }
  const load = { capacity: 1, flows: 0, draining: false }
  return { kind: 'relay', id, link: { address, port }, vips, version: '0', heartbeatAt, ...place, ...load }
}

function find(directory: RelayDirectory, address: string, port = 7471): number {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, { address, port, listener: 0, transport: 'udp' })
  return directory.find(words, 0)
}

test('finds a relay by its link endpoint and by its id, and nobody else', () => {
  const directory = new RelayDirectory()
  directory.update([record('a', '10.0.0.1'), record('b', '10.0.0.2')], NOW)
  expect(directory.relayAt(find(directory, '10.0.0.2'))?.id).toBe('b')
  expect(find(directory, '10.0.0.1')).toBe(directory.indexOf('a'))
  expect(find(directory, '10.0.0.1', 7472)).toBe(-1)
  expect(find(directory, '10.0.0.9')).toBe(-1)
  expect(directory.indexOf('c')).toBe(-1)
})

test('keeps the index and the cookie of a relay through every further snapshot', () => {
  const directory = new RelayDirectory()
  directory.update([record('a', '10.0.0.1'), record('b', '10.0.0.2')], NOW)
  const index = directory.indexOf('b')
  directory.learnCookie(index, new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8]), 1)
  directory.update([record('b', '10.0.0.2')], NOW)
  directory.update([], NOW)
  expect(directory.indexOf('b')).toBe(index)
  expect(directory.relayAt(index)?.cookie).toEqual(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
})

test('forgets the cookie and the old endpoint of a relay that has moved', () => {
  const directory = new RelayDirectory()
  directory.update([record('a', '10.0.0.1')], NOW)
  directory.learnCookie(directory.indexOf('a'), new Uint8Array(8), 0)
  directory.update([record('a', '10.0.0.7')], NOW)
  expect(find(directory, '10.0.0.1')).toBe(-1)
  expect(directory.relayAt(find(directory, '10.0.0.7'))).toMatchObject({ id: 'a', cookie: undefined })
})

test('gives an endpoint to the relay that was last seen there', () => {
  const directory = new RelayDirectory()
  directory.update([record('old', '10.0.0.1')], NOW)
  directory.update([record('new', '10.0.0.1')], NOW)
  expect(directory.relayAt(find(directory, '10.0.0.1'))?.id).toBe('new')
  expect(directory.indexOf('old')).toBe(-1)
})
