import { afterEach, expect, test } from 'vitest'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import { FRAME_FLAG_UNBIND, LinkReader } from '#shared/link/frame'
import { isBatchSupported } from '#shared/platform/batch-support'
import * as libc from '#shared/platform/libc'
import { PacketMemory } from '#shared/platform/packet-memory'
import { ReceiveBatch } from '#shared/platform/udp-batch'
import { BatchSocket, openSocket } from '#shared/platform/udp-socket'
import { millisOf } from '#shared/time'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { relayRecord } from '../../tests/fleet-records.ts'
import { until } from '../../tests/until.ts'
import { GoodbyeSlab, LeftGoodbyes } from '../core/goodbye-slab.ts'
import { IcePath } from '../core/ice/path.ts'
import { RelayDirectory } from '../core/relay-directory.ts'
import { sendGoodbyes } from './goodbye-sender.ts'

/** More than leave in one batch. */
const CLIENTS = 150
const SLOT_BYTES = 2048

const descriptors: number[] = []

afterEach(() => {
  for (const descriptor of descriptors.splice(0)) libc.close(descriptor)
})

/** A thread's socket, its relay's, and what the thread has left. */
async function openEnds() {
  const [here = 0, there = 0] = await freePorts(2)
  const [sender, relay] = [here, there].map((port) =>
    openSocket({ bind: { address: '127.0.0.1', port }, bufferBytes: 4_000_000 }),
  )
  descriptors.push(sender!.descriptor, relay!.descriptor)
  const directory = new RelayDirectory()
  directory.update([relayRecord({ link: { address: '127.0.0.1', port: there } })], millisOf(0))
  directory.learnCookie(0, new Uint8Array(8).fill(7), 0)
  const memory = new SharedArrayBuffer(GoodbyeSlab.bytesFor(CLIENTS))
  const slab = new GoodbyeSlab(memory, directory)
  for (let i = 0; i < CLIENTS; i++) {
    const words = new Int32Array(ENDPOINT_WORDS)
    writeClient(words, 0, { address: '192.0.2.1', port: 1000 + i, listener: 0, transport: 'udp' })
    const goodbye = slab.open()
    goodbye?.seal(Uint8Array.of(21, i))
    goodbye?.follow(new IcePath(0, 0, words, 0, 0, millisOf(0)))
  }
  return { sender: sender!, relay: new BatchSocket(relay!), left: new LeftGoodbyes(memory) }
}

/** What the relay has received by now: each client's flags, in the order of arrival. */
class Arrivals {
  readonly flagsByPort = new Map<number, number[]>()
  readonly #memory = new PacketMemory(ReceiveBatch.bytesFor(64, SLOT_BYTES))
  readonly #batch = new ReceiveBatch(this.#memory, 0, 64, SLOT_BYTES, 0)
  readonly #senders = new Int32Array(64 * ENDPOINT_WORDS)
  readonly #reader = new LinkReader()

  take(socket: BatchSocket): void {
    for (let count = 1; count > 0;) {
      count = this.#batch.receive(socket, 0, this.#senders)
      for (let slot = 0; slot < count; slot++) this.#read(slot)
    }
  }

  #read(slot: number): void {
    const reader = this.#reader
    const start = this.#batch.start(slot)
    expect(reader.open(this.#memory.bytes, start, this.#batch.lengths[slot] ?? 0)).toBeUndefined()
    expect(reader.next()).toBe(true)
    const { port } = readClient(reader.client, 0)
    expect([...this.#memory.bytes.subarray(reader.payloadStart, reader.payloadStart + 2)]).toEqual([
      21,
      (port - 1000) & 0xff,
    ])
    this.flagsByPort.set(port, [...(this.flagsByPort.get(port) ?? []), reader.flags])
  }
}

test.runIf(isBatchSupported())(
  'says every goodbye three times, and unbinds the flow with the first',
  async () => {
    const { sender, relay, left } = await openEnds()
    await sendGoodbyes(left, sender, new AbortController().signal)
    const arrivals = new Arrivals()
    await until(() => {
      arrivals.take(relay)
      expect([...arrivals.flagsByPort.values()].flat()).toHaveLength(3 * CLIENTS)
    })
    expect(arrivals.flagsByPort.size).toBe(CLIENTS)
    for (const flags of arrivals.flagsByPort.values()) expect(flags).toEqual([FRAME_FLAG_UNBIND, 0, 0])
  },
)

test.runIf(isBatchSupported())('sends nothing through a socket that is about to be closed', async () => {
  const { sender, relay, left } = await openEnds()
  const stopping = new AbortController()
  const sending = sendGoodbyes(left, sender, stopping.signal)
  stopping.abort()
  await sending
  const arrivals = new Arrivals()
  arrivals.take(relay)
  expect(arrivals.flagsByPort.size).toBe(0)
})

test.runIf(isBatchSupported())('has nothing to say for a thread without clients', async () => {
  const { sender, relay } = await openEnds()
  const left = new LeftGoodbyes(new SharedArrayBuffer(GoodbyeSlab.bytesFor(CLIENTS)))
  await sendGoodbyes(left, sender, new AbortController().signal)
  const arrivals = new Arrivals()
  arrivals.take(relay)
  expect(arrivals.flagsByPort.size).toBe(0)
})
