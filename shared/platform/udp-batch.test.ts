import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import { isBatchSupported } from './batch-support.ts'
import { PacketMemory } from './packet-memory.ts'
import { Poller } from './poller.ts'
import { ReceiveBatch, SendBatch } from './udp-batch.ts'
import { BatchSocket, openSocket, SocketError } from './udp-socket.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

function batchSocket(address: string, port = 0, reusePort = false): BatchSocket {
  const socket = new BatchSocket(openSocket({ bind: { address, port }, reusePort, bufferBytes: 1 << 20 }))
  open.push(socket)
  return socket
}

async function dgramPeer(type: 'udp4' | 'udp6', address: string) {
  const socket = createSocket(type)
  const received: Buffer[] = []
  socket.on('message', (message) => received.push(message))
  socket.bind(0, address)
  await once(socket, 'listening')
  open.push(socket)
  return { socket, received, port: (socket.address() as AddressInfo).port }
}

/** Receives until `count` datagrams have come, and returns them with their senders. */
function receiveAll(socket: BatchSocket, count: number, slots = 4) {
  const bytes = ReceiveBatch.bytesFor(slots, 2048)
  const memory = new PacketMemory(bytes + 8)
  const batch = new ReceiveBatch(memory, 0, slots, 2048, 64)
  const poller = new Poller(memory, bytes, [socket])
  const senders = new Int32Array(ENDPOINT_WORDS * slots)
  const datagrams: { payload: Uint8Array; sender: ReturnType<typeof readClient>; length: number }[] = []
  while (datagrams.length < count) {
    if (poller.wait(1000) <= 0) break
    expect(poller.isReadable(0)).toBe(true)
    const received = batch.receive(socket, 3, senders)
    expect(received).toBeGreaterThan(0)
    for (let slot = 0; slot < received; slot++) {
      const start = batch.start(slot)
      const length = batch.lengths[slot]!
      const payload = memory.bytes.slice(start, start + Math.min(length, batch.slotCapacity))
      datagrams.push({ payload, sender: readClient(senders, slot * ENDPOINT_WORDS), length })
    }
  }
  return datagrams
}

describe.skipIf(!isBatchSupported())('batched UDP on Linux', () => {
  test.each([
    ['IPv4', 'udp4', '127.0.0.1', '127.0.0.1'],
    ['IPv6', 'udp6', '::1', '::1'],
    ['IPv4 on a dual-stack socket', 'udp4', '::', '127.0.0.1'],
  ] as const)(
    'receives more datagrams than a batch has slots, with their senders: %s',
    async (_, type, bind, to) => {
      const socket = batchSocket(bind, 47_610)
      const peer = await dgramPeer(type, to)
      for (let i = 0; i < 10; i++) peer.socket.send(new Uint8Array(100 + i).fill(i), 47_610, to)
      await new Promise((resolve) => setImmediate(resolve))
      const datagrams = receiveAll(socket, 10)
      expect(datagrams.map(({ payload }) => payload)).toEqual(
        Array.from({ length: 10 }, (_unused, i) => new Uint8Array(100 + i).fill(i)),
      )
      for (const { sender } of datagrams) {
        expect(sender).toEqual({ address: to, port: peer.port, listener: 3, transport: 'udp' })
      }
    },
  )

  test('says how long a datagram was that its slot has cut', async () => {
    const socket = batchSocket('127.0.0.1', 47_611)
    const peer = await dgramPeer('udp4', '127.0.0.1')
    peer.socket.send(new Uint8Array(3000), 47_611, '127.0.0.1')
    peer.socket.send(new Uint8Array(1984), 47_611, '127.0.0.1')
    await new Promise((resolve) => setImmediate(resolve))
    const datagrams = receiveAll(socket, 2)
    expect(datagrams.map(({ length }) => length)).toEqual([3000, 1984])
    expect(datagrams.map(({ payload }) => payload.length)).toEqual([1984, 1984])
  })

  test.each([
    ['udp4', '127.0.0.1', '127.0.0.1'],
    ['udp6', '::1', '::1'],
    ['udp4', '::', '127.0.0.1'],
  ] as const)('gathers parts into datagrams for different endpoints (%s from %s)', async (type, bind, to) => {
    const socket = batchSocket(bind)
    const peers = [await dgramPeer(type, to), await dgramPeer(type, to)]
    const at = 4096
    const memory = new PacketMemory(at + SendBatch.bytesFor(8, 32))
    memory.bytes.forEach((_byte, index) => (memory.bytes[index] = index)) // also where the structures go
    const batch = new SendBatch(memory, at, 8, 32, socket)
    const words = new Int32Array(ENDPOINT_WORDS)
    for (let message = 0; message < 8; message++) {
      const peer = peers[message % 2]!
      writeClient(words, 0, { address: to, port: peer.port, listener: 0, transport: 'udp' })
      for (let part = 0; part <= message % 4; part++) batch.addPart(message * 100 + part * 10, 5)
      batch.endMessage(words, 0)
    }
    expect(batch.isFull(1)).toBe(true)
    batch.flush(socket)
    expect([batch.sent, batch.refused, batch.pending]).toEqual([8, 0, 0])
    while (peers.some(({ received }) => received.length < 4)) await new Promise((r) => setTimeout(r, 5))
    const expected = (message: number) =>
      Array.from({ length: (message % 4) + 1 }, (_unused, part) =>
        [0, 1, 2, 3, 4].map((byte) => (message * 100 + part * 10 + byte) & 0xff),
      ).flat()
    expect(peers[0]!.received.map((datagram) => [...datagram])).toEqual([0, 2, 4, 6].map(expected))
    expect(peers[1]!.received.map((datagram) => [...datagram])).toEqual([1, 3, 5, 7].map(expected))
  })

  test('passes over a message that the system refuses and sends the rest', async () => {
    const socket = batchSocket('127.0.0.1')
    const peer = await dgramPeer('udp4', '127.0.0.1')
    const at = 1 << 17
    const memory = new PacketMemory(at + SendBatch.bytesFor(3, 3))
    const batch = new SendBatch(memory, at, 3, 3, { isIpv6: false })
    const words = new Int32Array(ENDPOINT_WORDS)
    writeClient(words, 0, { address: '127.0.0.1', port: peer.port, listener: 0, transport: 'udp' })
    for (const length of [10, 70_000, 20]) {
      batch.addPart(0, length)
      batch.endMessage(words, 0)
    }
    batch.flush(socket)
    expect([batch.sent, batch.refused]).toEqual([2, 1])
    while (peer.received.length < 2) await new Promise((r) => setTimeout(r, 5))
    expect(peer.received.map((datagram) => datagram.length)).toEqual([10, 20])
  })

  test.each([
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ] as const)('lets the kernel cut datagrams of one length from one message (%s)', async (type, address) => {
    const socket = batchSocket(address)
    const peers = [await dgramPeer(type, address), await dgramPeer(type, address)]
    const at = 1 << 16
    const memory = new PacketMemory(at + SendBatch.bytesFor(128, 256))
    memory.bytes.forEach((_byte, index) => (memory.bytes[index] = index % 251))
    const batch = new SendBatch(memory, at, 128, 256, { isIpv6: socket.isIpv6, segments: true })
    const words = new Int32Array(ENDPOINT_WORDS)
    const lengths = [
      [100, 100, 60, 100, 100, 200, 1400, ...Array.from({ length: 80 }, () => 1400)],
      [100, 100],
    ]
    lengths.forEach((list, to) => {
      writeClient(words, 0, { address, port: peers[to]!.port, listener: 0, transport: 'udp' })
      list.forEach((length, i) => {
        batch.addPart(i, 12)
        batch.addPart(1_000 + i, length - 12)
        batch.endMessage(words, 0)
      })
    })
    expect(batch.pending).toBeLessThan(10)
    batch.flush(socket)
    const total = lengths.flat().length
    expect([batch.sent, batch.refused]).toEqual([total, 0])
    while (peers.flatMap(({ received }) => received).length < total)
      await new Promise((r) => setTimeout(r, 5))
    lengths.forEach((list, to) => {
      const expected = list.map((length, i) => [i, i + 11, length].join())
      const got = peers[to]!.received.map((datagram) => [datagram[0], datagram[11], datagram.length].join())
      expect(got).toEqual(expected)
    })
  })

  test('refuses an IPv6 endpoint on an IPv4 socket and sends the messages around it', async () => {
    const socket = batchSocket('127.0.0.1')
    const peer = await dgramPeer('udp4', '127.0.0.1')
    const memory = new PacketMemory(128 + SendBatch.bytesFor(3, 3))
    const batch = new SendBatch(memory, 128, 3, 3, { isIpv6: false })
    const words = new Int32Array(ENDPOINT_WORDS)
    for (const address of ['127.0.0.1', '2001:db8::7f00:1', '127.0.0.1']) {
      writeClient(words, 0, { address, port: peer.port, listener: 0, transport: 'udp' })
      batch.addPart(0, 10)
      batch.endMessage(words, 0)
    }
    batch.flush(socket)
    expect([batch.sent, batch.refused]).toEqual([2, 1])
  })

  test('lets several sockets share a port, and only when asked to', () => {
    batchSocket('127.0.0.1', 47_612, true)
    batchSocket('127.0.0.1', 47_612, true)
    expect(() => batchSocket('127.0.0.1', 47_612)).toThrow(SocketError)
  })

  test('counts what the kernel dropped for want of room', async () => {
    const socket = new BatchSocket(
      openSocket({ bind: { address: '127.0.0.1', port: 47_613 }, bufferBytes: 4096 }),
    )
    open.push(socket)
    const peer = await dgramPeer('udp4', '127.0.0.1')
    expect(socket.kernelDrops).toBe(0)
    for (let i = 0; i < 200; i++) peer.socket.send(new Uint8Array(1000), 47_613, '127.0.0.1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(socket.kernelDrops).toBeGreaterThan(0)
  })

  test('refuses an address that is not the machine’s, and one that is none', () => {
    expect(() => batchSocket('203.0.113.1')).toThrow(
      expect.objectContaining({ code: 'socket-refused', errno: 99 }),
    )
    expect(() => batchSocket('example')).toThrow(expect.objectContaining({ code: 'socket-address' }))
  })
})
