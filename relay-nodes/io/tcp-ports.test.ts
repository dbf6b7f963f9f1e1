import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { concatBytes, readU32, writeU32 } from '#shared/bytes'
import { readClient } from '#shared/endpoint'
import type { Client, Endpoint } from '#shared/endpoint'
import { MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'
import { framePacket } from '../core/rfc4571.ts'
import { clientWords, dtlsPacket, rtpPacket } from '../test-packets.ts'
import { TcpCaller } from '../test-tcp-caller.ts'
import { openTcpPorts } from './tcp-ports.ts'
import type { TcpPorts } from './tcp-ports.ts'

const FIRST_LISTENER = 3
const LOOPBACK = { address: '127.0.0.1', port: 0 }
const generous = { maxConnections: 16, maxPerSource: 16, answerTimeout: 60_000, idleTimeout: 60_000 }
const opened: { close(): unknown }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

describe('TCP client ports', () => {
  test('carry packets both ways, however the stream is cut, and name the client', async () => {
    const { ports, received } = await open({ binds: [LOOPBACK, LOOPBACK] })
    for (const [i, endpoint] of ports.endpoints.entries()) {
      const caller = await callTo(endpoint)
      const packets = [dtlsPacket(MAX_CLIENT_PAYLOAD_BYTES), rtpPacket(100), rtpPacket(1)]
      const stream = concatBytes(...packets.map(framePacket))
      for (let at = 0; at < stream.length; at += 97) caller.socket.write(stream.subarray(at, at + 97))
      const client: Client = { ...caller.endpoint, listener: FIRST_LISTENER + i, transport: 'tcp' }
      await vi.waitFor(() =>
        expect(received.splice(0)).toEqual(packets.map((packet) => ({ client, packet }))),
      )
      for (const packet of packets) ports.send(packet, clientWords(client), 0)
      await vi.waitFor(() => expect(caller.received).toEqual(packets))
    }
  })

  test.skipIf(!hasIpv6())('serve IPv4 and IPv6 clients on one port', async () => {
    const { ports, received } = await open({ binds: [{ address: '::', port: 0 }] })
    for (const address of ['127.0.0.1', '::1']) {
      const caller = await callTo({ address, port: portOf(ports) })
      caller.send(rtpPacket(20))
      await vi.waitFor(() => expect(received.at(-1)?.client).toMatchObject(caller.endpoint))
      ports.send(rtpPacket(30), clientWords(received.at(-1)!.client), 0)
      await vi.waitFor(() => expect(caller.received).toEqual([rtpPacket(30)]))
    }
  })

  test('tell when a client has gone, and drop what is still sent to it', async () => {
    const { ports, closed } = await open({})
    const caller = await call(ports)
    const client: Client = { ...caller.endpoint, listener: FIRST_LISTENER, transport: 'tcp' }
    caller.socket.end()
    await vi.waitFor(() => expect(closed).toEqual([client]))
    ports.send(rtpPacket(20), clientWords(client), 0)
    expect(closed).toEqual([client, client])
    expect(ports.counts).toMatchObject({ open: 0, accepted: 1, dropsByReason: { 'no-connection': 1 } })
    expect(ends(ports)).toEqual({ 'client-closed': 1 })
  })

  test('cut off whoever does not speak RFC 4571, and go on with the others', async () => {
    const { ports, received } = await open({})
    const [browser, caller] = [await call(ports), await call(ports)]
    browser.socket.write('GET / HTTP/1.1\r\nHost: relay\r\n\r\n')
    await vi.waitFor(() => expect(browser.fate).toBe('reset'))
    caller.send(rtpPacket(20))
    await vi.waitFor(() => expect(received.map(({ packet }) => packet)).toEqual([rtpPacket(20)]))
    expect(browser.receivedBytes).toBe(0)
    expect(ends(ports)).toEqual({ 'packet-too-long': 1 })
  })

  test('cut off who was not answered in time, having sent nothing', async () => {
    const { ports, closed } = await open({ limits: { ...generous, answerTimeout: 300 } })
    const answered = await call(ports)
    ports.send(rtpPacket(30), wordsOf(answered), 0)
    const [silent, talking] = [await call(ports), await call(ports)]
    talking.send(rtpPacket(20))
    await vi.waitFor(() => expect([silent.fate, talking.fate]).toEqual(['reset', 'reset']), 5_000)
    expect([silent.receivedBytes, talking.receivedBytes, answered.fate]).toEqual([0, 0, 'open'])
    expect(closed.map(({ port }) => port)).toEqual([silent.endpoint.port, talking.endpoint.port])
    expect(ports.counts).toMatchObject({ open: 1, halfOpen: 0 })
    expect(ends(ports)).toEqual({ 'half-open': 2 })
  })

  test('refuse a source that has its share, and no other', async () => {
    const { ports } = await open({ limits: { ...generous, maxPerSource: 2 } })
    const callers = [await call(ports), await call(ports)]
    const refused = await call(ports)
    await vi.waitFor(() => expect(refused.fate).toBe('reset'))
    const other = await call(ports, '127.0.0.2')
    await vi.waitFor(() => expect(ports.counts.open).toBe(3))
    expect([...callers, other].map(({ fate }) => fate)).toEqual(['open', 'open', 'open'])
    expect(ends(ports)).toEqual({ 'source-full': 1 })
  })

  test('leave none open when one of them is taken', async () => {
    const { ports } = await open({})
    const taken = { address: '127.0.0.1', port: portOf(ports) }
    const { ports: probe } = await open({})
    const free = { address: '127.0.0.1', port: portOf(probe) }
    await probe.close()
    await expect(open({ binds: [free, taken] })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await open({ binds: [free] })
  })
})

describe('a client that does not read', () => {
  test('loses the oldest packets, holds a bounded number of bytes, and delays nobody', async () => {
    const { ports } = await open({})
    const [slow, quick] = [await call(ports), await call(ports)]
    const [toSlow, toQuick] = [wordsOf(slow), wordsOf(quick)]
    slow.socket.pause()
    let sent = 0
    for (; ports.counts.dropsByReason['slow-reader'] < 100; sent++) {
      ports.send(numbered(sent), toSlow, 0)
      ports.send(numbered(sent), toQuick, 0)
      if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(quick.received).toHaveLength(sent))

    slow.socket.resume()
    const dropped = ports.counts.dropsByReason['slow-reader']
    await vi.waitFor(() => expect(slow.received).toHaveLength(sent - dropped), 5_000)
    // What was in the system when it stopped taking, and then the newest: a gap, but no packet in pieces.
    const numbers = slow.received.map((packet) => readU32(packet, 0))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    const newest = numbers.slice(-KEPT_PACKETS)
    expect(newest).toEqual(Array.from({ length: KEPT_PACKETS }, (_, i) => sent - KEPT_PACKETS + i))
    expect(slow.received.every((packet) => packet.length === 1_000)).toBe(true)
    expect(ends(ports)).toEqual({})
  }, 30_000)

  test('is cut off when it has taken nothing for long', async () => {
    const { ports } = await open({ limits: { ...generous, idleTimeout: 500 } })
    const slow = await call(ports)
    const words = wordsOf(slow)
    slow.socket.pause()
    const timer = setInterval(() => {
      for (let i = 0; i < 200; i++) ports.send(numbered(i), words, 0)
    }, 5)
    await vi
      .waitFor(() => expect(ends(ports)).toEqual({ idle: 1 }), 20_000)
      .finally(() => clearInterval(timer))
    expect(ports.counts.open).toBe(0)
  }, 30_000)
})

/** What 32 KiB hold of packets of 1,000 bytes and their lengths. */
const KEPT_PACKETS = 32

async function open({
  binds = [LOOPBACK],
  limits = generous,
}: {
  binds?: Endpoint[]
  limits?: typeof generous
}) {
  const received: { client: Client; packet: Uint8Array }[] = []
  const closed: Client[] = []
  const ports = await openTcpPorts({
    binds,
    firstListener: FIRST_LISTENER,
    limits,
    onPacket: (packet, client) =>
      received.push({ client: readClient(client, 0), packet: Uint8Array.from(packet) }),
    onClosed: (words) => closed.push(readClient(words, 0)),
  })
  opened.push(ports)
  return { ports, received, closed }
}

/** Connects to the first of `ports`, and waits until the connection is theirs. */
async function call(ports: TcpPorts, from?: string): Promise<TcpCaller> {
  const { accepted } = ports.counts
  const caller = await callTo({ address: '127.0.0.1', port: portOf(ports) }, from)
  await vi.waitFor(() => expect(ports.counts.accepted).toBe(accepted + 1))
  return caller
}

async function callTo(endpoint: Endpoint, from?: string): Promise<TcpCaller> {
  const caller = await TcpCaller.connect(endpoint, from)
  opened.push(caller)
  return caller
}

/** The words of a caller at the first listener. */
function wordsOf({ endpoint }: TcpCaller): Int32Array {
  return clientWords({ ...endpoint, listener: FIRST_LISTENER, transport: 'tcp' })
}

function portOf(ports: TcpPorts): number {
  return ports.endpoints[0]?.port ?? 0
}

/** The reasons that have occurred. */
function ends(ports: TcpPorts): Record<string, number> {
  return Object.fromEntries([...ports.counts.endsByReason].filter(([, count]) => count > 0))
}

function numbered(number: number): Uint8Array {
  const packet = new Uint8Array(1_000)
  writeU32(packet, 0, number)
  return packet
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
}
