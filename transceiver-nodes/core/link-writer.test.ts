import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import type { Client } from '#shared/endpoint'
import { FRAME_FLAG_BIND, LinkReader, LINK_TYPE_DATA } from '#shared/link/frame'
import type { RelayRecord } from '#shared/fleet/record'
import { epochSecondsOf, millisOf } from '#shared/time'
import { IcePath } from './ice/path.ts'
import { LINK_WRITER_BYTES, LinkWriter } from './link-writer.ts'
import { RelayDirectory } from './relay-directory.ts'

const NOW = millisOf(0)

function relayRecord(index: number): RelayRecord {
  return {
    kind: 'relay',
    id: `relay-${index}`,
    region: 'here',
    latitude: 0,
    longitude: 0,
    link: { address: `10.0.0.${index + 1}`, port: 7471 },
    capacity: 1,
    draining: false,
    version: '0',
    heartbeatAt: epochSecondsOf(0),
    vips: [{ address: '192.0.2.1', udpPorts: [3478], tcpPorts: [] }],
    flows: 0,
  }
}

function linkOf(directory: RelayDirectory, index: number): number {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, { ...relayRecord(index).link, listener: 0, transport: 'udp' })
  return directory.find(words, 0)
}

function pathTo(link: number, client: Client): IcePath {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, client)
  return new IcePath(0, link, words, 0, 0, NOW)
}

/** A writer whose datagrams are read back at once. */
function recordingWriter(relayCount: number) {
  const memory = new Uint8Array(LINK_WRITER_BYTES)
  const directory = new RelayDirectory()
  directory.update(
    Array.from({ length: relayCount }, (_, index) => relayRecord(index)),
    NOW,
  )
  const indices = Array.from({ length: relayCount }, (_, index) => linkOf(directory, index))
  const frames: { link: number; client: Client; flags: number; payload: Uint8Array; datagram: number }[] = []
  const lengths: number[] = []
  const added: [link: number, start: number, length: number][] = []
  const read = (link: number, start: number, length: number): void => {
    const reader = new LinkReader()
    expect(reader.open(memory, start, length)).toBeUndefined()
    expect(reader.type).toBe(LINK_TYPE_DATA)
    expect(reader.hasCookie(directory.linkAt(link)!.cookie!)).toBe(true)
    lengths.push(length)
    while (reader.next()) {
      const payload = memory.slice(reader.payloadStart, reader.payloadStart + reader.payloadLength)
      const client = readClient(reader.client, 0)
      frames.push({ link, client, flags: reader.flags, payload, datagram: lengths.length - 1 })
    }
    expect(reader.fault).toBeUndefined()
  }
  const writer = new LinkWriter(memory, 0, directory, {
    add: (...datagram) => added.push(datagram),
    // Not before: until then the writer must leave each datagram as it is.
    flush: () => added.splice(0).forEach((datagram) => read(...datagram)),
  })
  return { writer, directory, indices, frames, lengths }
}

const CLIENT: Client = { address: '198.51.100.7', port: 40_000, listener: 1, transport: 'udp' }
const COOKIE = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])

test('refuses to write to a relay whose cookie is unknown', () => {
  const { writer, indices } = recordingWriter(1)
  expect(writer.write(pathTo(indices[0]!, CLIENT), new Uint8Array(10), 0)).toBe(false)
})

test('delivers every frame once, in order for each relay, and never lets two frames pass the MTU together', () => {
  const clients = fc.record({
    address: fc.constantFrom('198.51.100.7', '2001:db8::7'),
    port: fc.integer({ min: 1, max: 65_535 }),
    listener: fc.integer({ min: 0, max: 3 }),
    transport: fc.constantFrom('udp' as const, 'tcp' as const),
  })
  const operation = fc.record({
    relay: fc.nat(19),
    client: clients,
    payload: fc.uint8Array({ maxLength: 1452 }),
    flushes: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
      const { writer, directory, indices, frames, lengths } = recordingWriter(20)
      for (const index of indices) directory.learnCookie(index, COOKIE, 0)
      for (const { relay, client, payload, flushes } of operations) {
        expect(writer.write(pathTo(indices[relay]!, client), payload, FRAME_FLAG_BIND)).toBe(true)
        if (flushes) writer.flush()
      }
      writer.flush()
      for (const [relay, index] of indices.entries()) {
        const sent = operations.filter((operation) => operation.relay === relay)
        const arrived = frames.filter((frame) => frame.link === index)
        expect(arrived.map(({ client, payload }) => ({ client, payload }))).toEqual(
          sent.map(({ client, payload }) => ({ client, payload })),
        )
      }
      for (const [datagram, length] of lengths.entries()) {
        const count = frames.filter((frame) => frame.datagram === datagram).length
        expect(count === 1 || length <= 1400).toBe(true)
      }
    }),
    { numRuns: 50 },
  )
})

test('sends nothing for a frame that was opened and never committed', () => {
  const { writer, directory, indices, lengths } = recordingWriter(1)
  directory.learnCookie(indices[0]!, COOKIE, 0)
  expect(writer.begin(pathTo(indices[0]!, CLIENT), 0, 100)).toBeGreaterThan(0)
  writer.flush()
  expect(lengths).toEqual([])
})
