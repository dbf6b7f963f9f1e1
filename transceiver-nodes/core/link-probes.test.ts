import { beforeEach, expect, test } from 'vitest'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import {
  LINK_PROBE_BYTES,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  LinkReader,
  writeLinkProbe,
} from '#shared/link/frame'
import { millisOf } from '#shared/time'
import { relayRecord } from '../../tests/fleet-records.ts'
import { LinkProbes } from './link-probes.ts'
import { RelayDirectory } from './relay-directory.ts'

const OLD = new Uint8Array(8).fill(1)
const NEW = new Uint8Array(8).fill(2)
const TOKEN = new Uint8Array(8).fill(0x77)
const NOW = millisOf(1_000)

let directory: RelayDirectory
let probes: LinkProbes
let link: number
let sent: { link: number; datagram: Uint8Array }[]
const memory = new Uint8Array(256)

beforeEach(() => {
  sent = []
  directory = new RelayDirectory()
  directory.update([relayRecord({ link: { address: '10.0.0.1', port: 7471 } })], NOW)
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, { address: '10.0.0.1', port: 7471, listener: 0, transport: 'udp' })
  link = directory.find(words, 0)
  directory.learnCookie(link, OLD, 0)
  probes = new LinkProbes(memory, 0, directory, () => TOKEN, {
    add: (to, start, length) => sent.push({ link: to, datagram: memory.slice(start, start + length) }),
    flush: () => undefined,
  })
})

test('answers a ping with the token and the cookie that it carries', () => {
  expect(receive(LINK_TYPE_PING, NEW)).toBeUndefined()
  expect(sent).toEqual([{ link, datagram: probe(LINK_TYPE_PONG, NEW) }])
  expect(directory.linkAt(link)?.cookie).toEqual(OLD)
})

test('pings the links that carry calls with the cookie that is known', () => {
  probes.handleTimeout(NOW)
  expect(sent).toEqual([])
  probes.health.noteTraffic(link, NOW)
  probes.handleTimeout(NOW)
  expect(sent).toEqual([{ link, datagram: probe(LINK_TYPE_PING, OLD) }])
})

test('learns the new cookie of a relay that has restarted from a pong, and from no stray one', () => {
  expect(receive(LINK_TYPE_PONG, NEW)).toBe('stray-pong')
  expect(directory.linkAt(link)?.cookie).toEqual(OLD)
  probes.health.noteTraffic(link, NOW)
  probes.handleTimeout(NOW)
  expect(receive(LINK_TYPE_PONG, NEW)).toBeUndefined()
  expect(directory.linkAt(link)?.cookie).toEqual(NEW)
  expect(receive(LINK_TYPE_PONG, OLD)).toBe('stray-pong')
  expect(directory.linkAt(link)?.cookie).toEqual(NEW)
})

function receive(type: typeof LINK_TYPE_PING | typeof LINK_TYPE_PONG, cookie: Uint8Array) {
  const start = 128
  memory.set(probe(type, cookie), start)
  const reader = new LinkReader()
  expect(reader.open(memory, start, LINK_PROBE_BYTES)).toBeUndefined()
  return probes.handleProbe(link, reader, NOW)
}

function probe(type: typeof LINK_TYPE_PING | typeof LINK_TYPE_PONG, cookie: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(LINK_PROBE_BYTES)
  writeLinkProbe(datagram, 0, type, cookie, TOKEN)
  return datagram
}
