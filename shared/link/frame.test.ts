import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toHex } from '#shared/bytes'
import { ENDPOINT_WORDS, formatAddress, readClient, writeClient } from '#shared/endpoint'
import type { Client } from '#shared/endpoint'
import { classifyPacket } from '#shared/packet/classify'
import vectors from '../../tests/vectors/link.json' with { type: 'json' }
import {
  FRAME_FLAG_BIND,
  FRAME_FLAG_UNBIND,
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_PROBE_BYTES,
  LINK_TYPE_DATA,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  LinkReader,
  MAX_CLIENT_PAYLOAD_BYTES,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
  writeLinkHeader,
  writeLinkProbe,
} from './frame.ts'

interface Frame {
  readonly client: Client
  readonly flags: number
  readonly payload: Uint8Array
}

const cookie = fromHex(vectors.cookie)!

const client: fc.Arbitrary<Client> = fc.record({
  address: fc.oneof(
    fc.ipV4(),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatAddress(bytes)),
  ),
  port: fc.nat(0xffff),
  listener: fc.nat(0xff),
  transport: fc.constantFrom('udp' as const, 'tcp' as const),
})
const frame: fc.Arbitrary<Frame> = fc.record({
  client,
  flags: fc.constantFrom(0, FRAME_FLAG_BIND, FRAME_FLAG_UNBIND),
  payload: fc.uint8Array({ maxLength: 40 }),
})

test.each(vectors.datagrams)('writes and reads the frozen vector of $name', ({ hex, frames }) => {
  const expected = frames.map(({ client, flags, payload }) => ({
    client: { ...client, transport: client.transport === 'tcp' ? ('tcp' as const) : ('udp' as const) },
    flags,
    payload: fromHex(payload)!,
  }))
  expect(toHex(datagramOf(expected))).toBe(hex)
  expect(readFrames(fromHex(hex)!)).toEqual(expected)
})

test.each(vectors.probes)('writes and reads the frozen $type', ({ type, token, hex }) => {
  const memory = new Uint8Array(LINK_PROBE_BYTES)
  const probeType = type === 'ping' ? LINK_TYPE_PING : LINK_TYPE_PONG
  expect(writeLinkProbe(memory, 0, probeType, cookie, fromHex(token)!)).toBe(LINK_PROBE_BYTES)
  expect(toHex(memory)).toBe(hex)
  const reader = new LinkReader()
  expect(reader.open(memory, 0, memory.length)).toBeUndefined()
  expect(reader.type).toBe(probeType)
  expect(reader.hasCookie(cookie)).toBe(true)
  expect(toHex(memory.subarray(reader.tokenStart, reader.tokenStart + 8))).toBe(token)
  expect(reader.next()).toBe(false)
})

test.each(vectors.refused)('refuses $name: $fault', ({ hex, fault }) => {
  const reader = new LinkReader()
  const bytes = fromHex(hex)!
  const opened = reader.open(bytes, 0, bytes.length)
  expect(reader.next()).toBe(false)
  expect(opened ?? reader.fault).toBe(fault)
})

test('quotes every frozen vector in docs/link.md', () => {
  const page = readFileSync(new URL('../../docs/link.md', import.meta.url), 'utf8').replaceAll(/\s/g, '')
  const quoted = [...vectors.probes, ...vectors.datagrams].map(({ hex }) => hex)
  expect(quoted.filter((hex) => !page.includes(hex))).toEqual([])
})

test('reads back every datagram that it writes, wherever it lies', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 6 }), fc.nat(9), (frames, start) => {
      const datagram = datagramOf(frames)
      const memory = new Uint8Array(start + datagram.length + 30).fill(0xff)
      memory.set(datagram, start)
      expect(readFrames(memory, start, datagram.length)).toEqual(frames)
    }),
  )
})

test('gives a client the words that it was written from', () => {
  const reader = new LinkReader()
  fc.assert(
    fc.property(client, (value) => {
      const words = new Int32Array(ENDPOINT_WORDS)
      writeClient(words, 0, value)
      const datagram = datagramOf([{ client: value, flags: 0, payload: new Uint8Array(0) }])
      reader.open(datagram, 0, datagram.length)
      expect(reader.next()).toBe(true)
      expect(reader.client).toEqual(words)
    }),
  )
})

test('carries the longest client payload for an IPv6 client in one frame', () => {
  const payload = new Uint8Array(MAX_CLIENT_PAYLOAD_BYTES).fill(0x80)
  const client = { address: '2001:db8::1', port: 1, listener: 0, transport: 'udp' as const }
  const datagram = datagramOf([{ client, flags: FRAME_FLAG_BIND, payload }])
  expect(datagram.length).toBe(LINK_HEADER_BYTES + MAX_FRAME_HEADER_BYTES + MAX_CLIENT_PAYLOAD_BYTES)
  expect(readFrames(datagram)).toEqual([{ client, flags: FRAME_FLAG_BIND, payload }])
})

test('keeps the frames before a broken one', () => {
  const good = datagramOf([exampleFrame(1), exampleFrame(2)])
  const reader = new LinkReader()
  reader.open(good, 0, good.length - 1)
  expect(reader.next()).toBe(true)
  expect(readClient(reader.client, 0).port).toBe(1)
  expect(reader.fault).toBeUndefined()
  expect(reader.next()).toBe(false)
  expect(reader.fault).toBe('link-frame')
  expect(reader.next()).toBe(false)
})

test('forgets the fault of the datagram before', () => {
  const reader = new LinkReader()
  const good = datagramOf([exampleFrame(1)])
  expect(reader.open(good, 0, 3)).toBe('link-truncated')
  expect(reader.open(good, 0, good.length)).toBeUndefined()
  expect(reader.next()).toBe(true)
  expect(reader.next()).toBe(false)
  expect(reader.fault).toBeUndefined()
})

test('tells its cookie from one with any bit flipped', () => {
  const datagram = datagramOf([exampleFrame(1)])
  const reader = new LinkReader()
  reader.open(datagram, 0, datagram.length)
  expect(reader.hasCookie(cookie)).toBe(true)
  for (let bit = 0; bit < 64; bit++) {
    const other = cookie.map((byte, at) => (at === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte))
    expect(reader.hasCookie(other)).toBe(false)
  }
})

test('ignores reserved bits', () => {
  const datagram = datagramOf([exampleFrame(1)])
  datagram.set([0xff, 0xff], 2)
  datagram[LINK_HEADER_BYTES + 2] = 0xf0 | FRAME_FLAG_BIND
  const reader = new LinkReader()
  expect(reader.open(datagram, 0, datagram.length)).toBeUndefined()
  expect(reader.next()).toBe(true)
  expect(reader.flags & FRAME_FLAG_BIND).toBe(FRAME_FLAG_BIND)
})

test('is mistaken for nothing that a client sends', () => {
  const memory = new Uint8Array(LINK_HEADER_BYTES)
  writeLinkHeader(memory, 0, LINK_TYPE_DATA, cookie)
  expect(classifyPacket(memory, 0, memory.length)).toBe('unknown')
})

test('survives any bytes, and never leaves the datagram', () => {
  const reader = new LinkReader()
  const looksLikeLink = fc.uint8Array({ maxLength: 90 }).map((rest) => {
    const bytes = new Uint8Array(LINK_HEADER_BYTES + rest.length)
    writeLinkHeader(bytes, 0, LINK_TYPE_DATA, cookie)
    // Small lengths, so that several frames are met.
    bytes.set(
      rest.map((byte, i) => (i % 16 === 0 ? 0 : byte)),
      LINK_HEADER_BYTES,
    )
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), looksLikeLink), (bytes) => {
      const memory = Uint8Array.from([...bytes, ...new Uint8Array(64).fill(0xff)])
      let frames = reader.open(memory, 0, bytes.length) === undefined ? 0 : 99
      while (reader.next()) {
        frames++
        expect(reader.payloadStart + reader.payloadLength).toBeLessThanOrEqual(bytes.length)
      }
      expect(frames >= 99 || frames <= bytes.length / 10).toBe(true)
      if (reader.fault !== undefined) expect(reader.fault).toMatch(/^link-[a-z]+$/)
    }),
    { numRuns: 1000 },
  )
})

function datagramOf(frames: readonly Frame[]): Uint8Array {
  const memory = new Uint8Array(4096)
  const words = new Int32Array(ENDPOINT_WORDS)
  let at = writeLinkHeader(memory, 0, LINK_TYPE_DATA, cookie)
  for (const { client, flags, payload } of frames) {
    expect(writeClient(words, 0, client)).toBe(true)
    const headerBytes = writeFrameHeader(memory, at, words, 0, flags, payload.length)
    expect(headerBytes).toBe(frameHeaderBytes(words, 0))
    memory.set(payload, at + headerBytes)
    at += headerBytes + payload.length
  }
  return memory.slice(0, at)
}

function readFrames(memory: Uint8Array, start = 0, length = memory.length): Frame[] {
  const reader = new LinkReader()
  expect(reader.open(memory, start, length)).toBeUndefined()
  expect(reader.type).toBe(LINK_TYPE_DATA)
  const frames: Frame[] = []
  while (reader.next()) {
    frames.push({
      client: readClient(reader.client, 0),
      flags: reader.flags & (FRAME_FLAG_BIND | FRAME_FLAG_UNBIND),
      payload: memory.slice(reader.payloadStart, reader.payloadStart + reader.payloadLength),
    })
  }
  expect(reader.fault).toBeUndefined()
  return frames
}

function exampleFrame(port: number): Frame {
  const client = { address: '192.0.2.1', port, listener: 0, transport: 'udp' as const }
  return { client, flags: 0, payload: Uint8Array.of(0x80, 0x6f) }
}
