/**
 * What a client that has been let in can do: authentic packets with anything inside them, at every layer. Each fault is
 * counted by its reason, or ends that session alone; a neighbour on the same thread hears every packet throughout.
 */

import { concatBytes, utf8, writeU32 } from '#shared/bytes'
import { epochNow } from '#shared/platform/clock'
import { errorCode, iceControlled, priority, username } from '#shared/stun/attributes'
import { encodeStunMessage } from '#shared/stun/message'
import { BINDING_ERROR, BINDING_REQUEST } from '#shared/stun/registry'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { HostilePeer, chunk, dataChunk, sctpPacket } from '../hostile-peer.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'

let stack: Stack
let neighbour: HostilePeer
let peer: HostilePeer | undefined
let heardBefore = 0

beforeAll(async () => {
  stack = await startStack({
    ports: await freeStackPorts(),
    onLine: () => undefined,
    // All sessions on one thread, so that whatever harms it harms the neighbour.
    environment: { FIRSTHOP_THREADS: '1' },
  })
  neighbour = await HostilePeer.call(place)
  await until(() => expect(neighbour.heard.length).toBeGreaterThan(10))
  heardBefore = neighbour.heard.length
})
afterEach(() => peer?.close())
afterAll(async () => {
  neighbour?.close()
  await stack?.stop()
})

async function place(offer: string): Promise<string> {
  const minted = await fetch(`${stack.url}/v1/realtime/client_secrets`, { method: 'POST' })
  const { value } = (await minted.json()) as { value: string }
  const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${value}` }
  const response = await fetch(`${stack.url}/v1/realtime/calls`, { method: 'POST', headers, body: offer })
  if (response.status !== 201) throw new Error(await response.text())
  return response.text()
}

async function countOf(name: string): Promise<number> {
  return (await metricsAt(stack.ports.transceiver.admin))[name] ?? 0
}

/** The neighbour has heard every packet since the first, and goes on hearing. */
async function expectNeighbourUnharmed(): Promise<void> {
  const { heard } = neighbour
  const before = heard.length
  await until(() => expect(heard.length).toBeGreaterThan(before + 25))
  expect(neighbour.ending).toBeUndefined()
  const steps = heard
    .slice(heardBefore)
    .map((sequence, i) => (sequence - (heard[heardBefore + i - 1] ?? 0)) & 0xffff)
  expect(new Set(steps)).toEqual(new Set([1]))
}

/** RFC 3550 section 6.1: a compound packet begins with a report, and BYE comes last. */
const BYE = ['sender-report', 'source-description', 'goodbye']

const text = utf8('{"type":"no.such.event"}')
const big = new Uint8Array(300_000).fill(0x20)

/** What a DATA chunk of the next TSN is, but for what is named. */
function data(
  from: HostilePeer,
  protocol: number,
  body: Uint8Array,
  stream = 0,
  tsn = from.tsn++,
): Uint8Array {
  return dataChunk({ tsn, stream, sequence: 0, protocol, flags: 3 }, body)
}

function check(
  from: HostilePeer,
  name: string,
  extra: { type: number; value: Uint8Array }[] = [],
): Uint8Array {
  const attributes = [username(name), iceControlled(new Uint8Array(8)), priority(1), ...extra]
  return encodeStunMessage(BINDING_REQUEST, new Uint8Array(12).fill(7), attributes, {
    integrity: from.remoteMac,
    fingerprint: true,
  })
}

function withOpenChannel(from: HostilePeer): void {
  const open = concatBytes(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), utf8('x'))
  from.sendMessage(0, 50, open)
}

type Attack = (from: HostilePeer) => void

const COUNTED: readonly (readonly [what: string, reason: string, attack: Attack])[] = [
  [
    'STUN whose fingerprint is wrong',
    'ice-fingerprint',
    (from) => {
      const bytes = check(from, from.username)
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
      from.send(bytes)
    },
  ],
  [
    'a check under another name',
    'ice-username',
    (from) => from.send(check(from, from.username.replace(/:.*/, ':evil'))),
  ],
  [
    'a check with an attribute that must be understood',
    'ice-unknown-attribute',
    (from) => from.send(check(from, from.username, [{ type: 0x7777, value: new Uint8Array(4) }])),
  ],
  [
    'an answer to a check that was never sent',
    'ice-unknown-transaction',
    (from) =>
      from.send(
        encodeStunMessage(BINDING_ERROR, new Uint8Array(12).fill(9), [errorCode(487, 'x')], {
          fingerprint: true,
        }),
      ),
  ],
  [
    'a DTLS record of another type',
    'dtls-record',
    (from) => from.send(Uint8Array.of(63, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0)),
  ],
  [
    'an SRTP packet with a wrong tag',
    'srtp-auth',
    (from) => from.send(new Uint8Array(80).fill(0x80, 0, 1).fill(111, 1, 2).fill(1, 2)),
  ],
  [
    'an SRTP packet too short for a tag',
    'srtp-short',
    (from) => from.send(Uint8Array.of(0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1)),
  ],
  [
    'audio in a payload type that was not answered',
    'rtp-payload-type',
    (from) => from.sendMedia('rtp', from.rtpPacket(text, 96)),
  ],
  ['Opus with no frames', 'opus-empty', (from) => from.sendMedia('rtp', from.rtpPacket(new Uint8Array(0)))],
  [
    'RTCP that does not add up',
    'rtcp-length',
    (from) => from.sendMedia('rtcp', Uint8Array.of(0x81, 200, 0, 1, 0, 0, 0, 1)),
  ],
  ['an SCTP packet too short for a chunk', 'sctp-short', (from) => from.sendData(new Uint8Array(5))],
  [
    'an SCTP packet with a wrong checksum',
    'sctp-checksum',
    (from) => from.sendData(new Uint8Array(40).fill(1)),
  ],
  [
    'an SCTP packet for another association',
    'sctp-tag',
    (from) => from.sendData(sctpPacket(from.serverTag ^ 1, data(from, 51, text))),
  ],
  [
    'a chunk whose length is zero',
    'sctp-chunk-length',
    (from) => from.sendChunks(chunk(0, 3, new Uint8Array(12), 0)),
  ],
  [
    'a chunk of unknown type',
    'sctp-chunk-unknown',
    (from) => from.sendChunks(chunk(0x3f, 0, new Uint8Array(4))),
  ],
  [
    'INIT on an association that stands',
    'sctp-chunk-misplaced',
    (from) => {
      const body = new Uint8Array(16).fill(1)
      from.sendData(sctpPacket(0, chunk(1, 0, body)))
    },
  ],
  [
    'data without bytes',
    'sctp-chunk-malformed',
    (from) => from.sendChunks(data(from, 51, new Uint8Array(0))),
  ],
  [
    'data far ahead of what is expected',
    'sctp-tsn-window',
    (from) => from.sendChunks(data(from, 51, text, 0, from.tsn + 100_000)),
  ],
  [
    'data on a stream that was not negotiated',
    'sctp-stream',
    (from) => from.sendChunks(data(from, 51, text, 60_000)),
  ],
  [
    'acknowledgement of what was never sent',
    'sctp-acknowledges-unsent',
    (from) => {
      const sack = new Uint8Array(12)
      writeU32(sack, 0, 0x7fff_ffff)
      // One of the two is ahead of what was sent, whatever it is.
      from.sendChunks(chunk(3, 0, sack))
      from.sendChunks(chunk(3, 0, new Uint8Array(12).fill(0xff, 0, 4)))
    },
  ],
  [
    'a message of an unknown protocol',
    'message-protocol',
    (from) => {
      withOpenChannel(from)
      from.sendMessage(0, 4_711, text, 1)
    },
  ],
  [
    'a binary message',
    'message-binary',
    (from) => {
      withOpenChannel(from)
      from.sendMessage(0, 53, text, 1)
    },
  ],
  [
    'text that is no UTF-8',
    'message-not-utf8',
    (from) => {
      withOpenChannel(from)
      from.sendMessage(0, 51, Uint8Array.of(0xff, 0xfe), 1)
    },
  ],
  ['a message on no channel', 'channel-unknown', (from) => from.sendMessage(9, 51, text)],
  [
    'a request for a channel that does not add up',
    'channel-request',
    (from) => from.sendMessage(0, 50, Uint8Array.of(3, 0, 0)),
  ],
  [
    'a message longer than may be',
    'sctp-window-full',
    (from) => {
      withOpenChannel(from)
      from.sendMessage(0, 51, concatBytes(big, big), 1)
    },
  ],
]

test.each(COUNTED)('%s is counted as %s, and hurts nobody', async (_, reason, attack) => {
  const name = `firsthop_transceiver_drops_total{reason="${reason}"}`
  const before = await countOf(name)
  peer = await HostilePeer.call(place)
  attack(peer)
  await until(async () => expect(await countOf(name)).toBeGreaterThan(before))
  await expectNeighbourUnharmed()
})

test('a client that aborts its association ends its own call only', async () => {
  const name = 'firsthop_transceiver_calls_ended_total{reason="association-ended"}'
  const before = await countOf(name)
  peer = await HostilePeer.call(place)
  await until(() => expect(peer!.reports.length).toBeGreaterThan(0))
  peer.sendChunks(chunk(6, 0, new Uint8Array(0)))
  await until(async () => expect(await countOf(name)).toBeGreaterThan(before))
  // It is told so in RTCP, once, in the last packet that it gets.
  const { reports } = peer
  await until(() => expect(reports.at(-1)?.map(({ kind }) => kind)).toEqual(BYE))
  expect(reports.slice(0, -1).flat()).not.toContainEqual(expect.objectContaining({ kind: 'goodbye' }))
  await expectNeighbourUnharmed()
})

test('a client that sends rubbish in place of events is told so, and goes on', async () => {
  peer = await HostilePeer.call(place)
  withOpenChannel(peer)
  for (let i = 1; i <= 200; i++) peer.sendMessage(0, 51, utf8(i % 2 === 0 ? 'not JSON' : '[1,2]'), i)
  await expectNeighbourUnharmed()
  const heard = peer.heard.length
  await until(() => expect(peer!.heard.length).toBeGreaterThan(heard + 10))
  expect(peer.ending).toBeUndefined()
})

test('a flood of random bytes under every layer hurts nobody', async () => {
  peer = await HostilePeer.call(place)
  let seed = Math.floor(epochNow()) & 0xffff
  const random = (length: number) =>
    new Uint8Array(length).map(() => ((seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >>> 16) & 0xff)
  for (let i = 0; i < 300; i++) {
    const body = random(1 + (i % 90))
    peer.sendData(body)
    peer.sendChunks(chunk(i & 0xff, i, body))
    peer.sendChunks(data(peer, i % 60, body, i % 1024))
    peer.send(random(20 + (i % 60)))
    if (i % 3 === 0) peer.sendMedia('rtp', peer.rtpPacket(body))
  }
  await expectNeighbourUnharmed()
})
