import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { RelayRecord } from '#shared/fleet/record'
import { epochSecondsOf, millisOf } from '#shared/time'
import { RelayDirectory, vipNameOf } from './relay-directory.ts'

const NOW = millisOf(0)

function record(id: string, address: string, vip = '192.0.2.1', linkPorts?: number[]): RelayRecord {
  return {
    kind: 'relay',
    id,
    region: 'here',
    latitude: 0,
    longitude: 0,
    link: { address, port: 7471 },
    ...(linkPorts && { linkPorts }),
    vips: [{ address: vip, udpPorts: [3478], tcpPorts: [] }],
    flows: 0,
    capacity: 1,
    draining: false,
    version: '0',
    heartbeatAt: epochSecondsOf(0),
  }
}

function find(directory: RelayDirectory, address: string, port = 7471): number {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, { address, port, listener: 0, transport: 'udp' })
  return directory.find(words, 0)
}

test('finds a relay by the endpoint of each of its links, and nobody else', () => {
  const directory = new RelayDirectory()
  directory.update([record('a', '10.0.0.1'), record('b', '10.0.0.2', '192.0.2.2', [7472, 7473])], NOW)
  expect(
    [7471, 7472, 7473].map((port) => directory.linkAt(find(directory, '10.0.0.2', port))?.relay),
  ).toEqual(['b', 'b', 'b'])
  expect(find(directory, '10.0.0.1', 7472)).toBe(-1)
  expect(find(directory, '10.0.0.9')).toBe(-1)
  expect([directory.knows('a'), directory.knows('c')]).toEqual([true, false])
})

test('gives the relays behind one VIP the same VIP, and others another', () => {
  const directory = new RelayDirectory()
  directory.update(
    [record('a', '10.0.0.1'), record('b', '10.0.0.2'), record('c', '10.0.0.3', '192.0.2.9')],
    NOW,
  )
  const [a, b, c] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) =>
    directory.vipOf(find(directory, address)),
  )
  expect(a).toBe(b)
  expect(a).not.toBe(c)
  expect(directory.vipName(c ?? -1)).toBe('192.0.2.9 3478 ')
  expect(directory.vipOf(-1)).toBe(-1)
})

test('tells relays at one address apart by their ports', () => {
  const directory = new RelayDirectory()
  const other = {
    ...record('b', '10.0.0.2'),
    vips: [{ address: '192.0.2.1', udpPorts: [443], tcpPorts: [] }],
  }
  directory.update([record('a', '10.0.0.1'), other], NOW)
  const [a, b] = ['10.0.0.1', '10.0.0.2'].map((address) => directory.vipOf(find(directory, address)))
  expect(a).not.toBe(b)
  expect(directory.vipName(b ?? -1)).toBe(vipNameOf(other.vips[0]!))
})

test('keeps the index and the cookie of a link through every further snapshot', () => {
  const directory = new RelayDirectory()
  directory.update([record('a', '10.0.0.1'), record('b', '10.0.0.2')], NOW)
  const index = find(directory, '10.0.0.2')
  directory.learnCookie(index, new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8]), 1)
  directory.update([record('b', '10.0.0.2')], NOW)
  directory.update([], NOW)
  expect(find(directory, '10.0.0.2')).toBe(index)
  expect(directory.linkAt(index)?.cookie).toEqual(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
})

test('gives an endpoint, without its cookie, to the relay that was last seen there', () => {
  const directory = new RelayDirectory()
  directory.update([record('old', '10.0.0.1')], NOW)
  directory.learnCookie(find(directory, '10.0.0.1'), new Uint8Array(8), 0)
  directory.update([record('new', '10.0.0.1')], NOW)
  expect(directory.linkAt(find(directory, '10.0.0.1'))).toMatchObject({ relay: 'new', cookie: undefined })
  expect(directory.knows('old')).toBe(false)
})
