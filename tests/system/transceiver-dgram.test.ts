/**
 * The transceiver without threads or batches (docs/transceiver.md, "Threads"), as it runs where there are none: whole
 * calls through the local stack, their ends, and a session that fails beside one that goes on.
 */

import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CallsApi } from '../../scripts/call/api.ts'
import { placeCall } from '../../scripts/call/caller.ts'
import { Speech } from '../../scripts/call/speech.ts'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'
import { chunk, HostilePeer } from '../hostile-peer.ts'
import { metricsAt } from '../metrics.ts'
import { until } from '../until.ts'

const SPEECH = fileURLToPath(new URL('../audio/speech.wav', import.meta.url))

let stack: Stack
const lines: string[] = []
const peers: HostilePeer[] = []

beforeAll(async () => {
  stack = await startStack({
    ports: await freeStackPorts(),
    onLine: (part, line) => void (part === 'transceiver' && lines.push(line)),
    transceiverThreads: 0,
  })
})
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close()
})
afterAll(() => stack?.stop())

/** A call in the hands of the test, and how to end it from outside. */
async function open(): Promise<{ peer: HostilePeer; hangUp: () => Promise<void> }> {
  const api = new CallsApi(stack.url, undefined)
  let location = ''
  const peer = await HostilePeer.call(async (offer) => {
    await api.authorize()
    const placed = await api.placeCall(offer)
    location = placed.location
    return placed.answer
  })
  peers.push(peer)
  return { peer, hangUp: () => api.hangUp(location) }
}

async function untilCounted(name: string, count: number): Promise<void> {
  const full = `firsthop_transceiver_${name}`
  await until(async () => expect((await metricsAt(stack.ports.transceiver.admin))[full]).toBe(count))
}

/** Hears half a second of a call, and expects every packet of it and all before. */
async function expectUnbroken(peer: HostilePeer): Promise<void> {
  const { heard } = peer
  const before = heard.length
  await until(() => expect(heard.length).toBeGreaterThan(before + 25))
  const steps = heard.slice(1).map((sequence, i) => (sequence - (heard[i] ?? 0)) & 0xffff)
  expect(new Set(steps)).toEqual(new Set([1]))
  expect(peer.ending).toBeUndefined()
}

test('runs on the main thread', () => {
  const up = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(up).toContainEqual(expect.objectContaining({ message: 'The transceiver is up', threads: 0 }))
})

test('carries two calls at once, audio both ways and the events of their turns', async () => {
  const call = () => placeCall({ url: stack.url, key: undefined, speech: Speech.open(SPEECH), seconds: 30 })
  const reports = (await Promise.all([call(), call()])).map(({ report }) => report)
  for (const report of reports) {
    // An answer is only waited for, and heard, once events have told of the turn and of the playout.
    expect(report.replySeconds).toBeGreaterThan(3)
    expect(report.replyRms).toBeGreaterThan(300)
    expect(report.receivedPackets).toBeGreaterThan(report.sentPackets * 0.95)
  }
  await untilCounted('calls_ended_total{reason="hang-up"}', 2)
  await untilCounted('sessions', 0)
})

test('tells a client at once that it has been hung up', async () => {
  const { peer, hangUp } = await open()
  await until(() => expect(peer.heard.length).toBeGreaterThan(10))
  await hangUp()
  await until(() => expect(peer.ending).toBe('close-notify'))
  await untilCounted('calls_ended_total{reason="hang-up"}', 3)
  await untilCounted('sessions', 0)
})

test('ends the session of a client that breaks the association, and that one alone', async () => {
  const [{ peer: neighbour }, { peer }] = [await open(), await open()]
  await until(() => expect(neighbour.heard.length).toBeGreaterThan(10))
  peer.sendData(new Uint8Array(40).fill(1))
  peer.sendMedia('rtcp', Uint8Array.of(0x81, 200, 0, 1, 0, 0, 0, 1))
  await untilCounted('drops_total{reason="sctp-checksum"}', 1)
  await untilCounted('drops_total{reason="rtcp-length"}', 1)
  expect(peer.ending).toBeUndefined()
  peer.sendChunks(chunk(ABORT, 0, new Uint8Array(0)))
  await until(() => expect(peer.ending).toBe('close-notify'))
  await untilCounted('sessions', 1)
  await expectUnbroken(neighbour)
})

/** RFC 9260 section 3.2. */
const ABORT = 6
