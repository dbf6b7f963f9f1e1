/** Goodbyes that are sealed beforehand: docs/dtls-srtp.md, "A goodbye kept ready". */

import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { readU16, readU32 } from '#shared/bytes'
import { GOODBYE_RENEWAL } from './dtls.ts'
import { drainErrors } from './openssl.ts'
import { connectPair, deliver, openPair, settle } from './test-network.ts'
import type { TestPeer } from './test-network.ts'

const open: TestPeer[] = []
/** All that `client` has sealed, the last last. */
let goodbyes: Uint8Array[] = []
let client: TestPeer
let server: TestPeer

afterEach(() => {
  for (const peer of open.splice(0)) peer.endpoint.close()
  expect(drainErrors()).toBe(0)
})

function connect(role: 'client' | 'server' = 'client'): void {
  goodbyes = []
  const keeping = { onGoodbye: (record: Uint8Array) => goodbyes.push(record.slice()) }
  const pair = role === 'client' ? connectPair(keeping) : connectPair({}, keeping)
  client = pair[role]
  server = pair[role === 'client' ? 'server' : 'client']
  open.push(client, server)
}

function say(count: number): void {
  for (let i = 0; i < count; i++) expect(client.endpoint.send(Uint8Array.of(i))).toBeUndefined()
}

/** As somebody else does it who has nothing but the record. */
function sendGoodbye(record: Uint8Array = goodbyes.at(-1) ?? new Uint8Array(0)): void {
  server.endpoint.handleDatagram(record, 0, record.length)
}

describe.each(['client', 'server'] as const)('a goodbye that the %s keeps ready', (role) => {
  test('is there with the connection, and nothing of it has left', () => {
    connect(role)
    expect(goodbyes).toHaveLength(1)
    expect(goodbyes[0]).toHaveLength(GOODBYE_BYTES)
    expect(client.outbox).toEqual([])
    expect(server.endings).toEqual([])
  })

  test('ends the connection for the peer, whoever sends it', () => {
    connect(role)
    sendGoodbye()
    expect(server.endings).toEqual(['close-notify'])
  })

  test('leaves the connection as it was until it is sent', () => {
    connect(role)
    say(3 * GOODBYE_RENEWAL)
    server.endpoint.send(Uint8Array.of(99))
    settle(client, server)
    expect(server.received).toHaveLength(3 * GOODBYE_RENEWAL)
    expect(client.received).toEqual([Uint8Array.of(99)])
    client.endpoint.close()
    settle(client, server)
    expect([client.endings, server.endings]).toEqual([[], ['close-notify']])
  })

  test('is taken however many records have come since the connection began, in whatever order', () => {
    const arrivals = fc.record({ said: fc.nat(150), seed: fc.integer() })
    fc.assert(
      fc.property(arrivals, ({ said, seed }) => {
        connect(role)
        say(said)
        shuffle(client.outbox, seed)
        deliver(client, server)
        expect(server.received.length).toBeLessThanOrEqual(said)
        sendGoodbye()
        expect(server.endings).toEqual(['close-notify'])
      }),
      { numRuns: 30 },
    )
  })
})

test('never shares a sequence number or a nonce with anything that is sent', () => {
  connect()
  say(100)
  client.endpoint.close()
  const records = [...client.outbox, ...goodbyes]
  expect(records).toHaveLength(101 + 1 + Math.floor(100 / GOODBYE_RENEWAL))
  expect(new Set(records.map(sequenceOf)).size).toBe(records.length)
  expect(new Set(records.map(nonceOf)).size).toBe(records.length)
})

test('is at most half a smallest replay window behind the last record', () => {
  connect()
  for (let i = 0; i < 100; i++) {
    say(1)
    const last = Math.max(...client.outbox.map(sequenceOf))
    expect(last - sequenceOf(goodbyes.at(-1)!)).toBeLessThanOrEqual(GOODBYE_RENEWAL)
  }
})

test('says nothing once more has been said after a newer one, and nothing twice', () => {
  connect()
  const [first] = goodbyes
  say(100)
  settle(client, server)
  sendGoodbye(first)
  expect(server.endings).toEqual([])
  sendGoodbye()
  sendGoodbye()
  expect(server.endings).toEqual(['close-notify'])
})

test('is not sealed by an end that has not asked for it, nor before there is a connection', () => {
  const sealed: Uint8Array[] = []
  const pair = openPair({ onGoodbye: (record) => sealed.push(record.slice()), fingerprints: [] })
  open.push(pair.client, pair.server)
  pair.client.endpoint.start()
  settle(pair.client, pair.server)
  expect(pair.client.endings).toEqual(['fingerprint-mismatch'])
  expect(sealed).toEqual([])
})

test('is not sealed by an end that is closed as it connects', () => {
  const sealed: Uint8Array[] = []
  const pair = openPair({
    onGoodbye: (record) => sealed.push(record.slice()),
    onConnected: () => pair.client.endpoint.close(),
  })
  open.push(pair.client, pair.server)
  pair.client.endpoint.start()
  settle(pair.client, pair.server)
  expect(sealed).toEqual([])
})

function shuffle(datagrams: Uint8Array[], seed: number): void {
  let state = seed | 1
  for (let i = datagrams.length - 1; i > 0; i--) {
    state = Math.imul(state, 1_103_515_245) + 12_345
    const j = (state >>> 8) % (i + 1)
    const [one, other] = [datagrams[i]!, datagrams[j]!]
    datagrams[i] = other
    datagrams[j] = one
  }
}

/** RFC 6347 section 4.1: 48 bits behind type, version and epoch. */
function sequenceOf(record: Uint8Array): number {
  return readU16(record, 5) * 2 ** 32 + readU32(record, 7)
}

/** The explicit part of the nonce, RFC 5288 section 3. */
function nonceOf(record: Uint8Array): string {
  return record.subarray(13, 21).join()
}

/** Header 13, explicit nonce 8, alert 2, tag 16. */
const GOODBYE_BYTES = 39
