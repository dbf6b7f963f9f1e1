import { networkInterfaces } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { openUdpPort } from './udp-dgram.ts'
import type { UdpPort } from './udp-dgram.ts'

const ports: UdpPort[] = []

afterEach(async () => {
  await Promise.all(ports.splice(0).map((port) => port.close()))
})

test('carries datagrams of any size both ways, and says who sent them', async () => {
  const [first, second] = [await open('127.0.0.1'), await open('127.0.0.1')]
  for (const length of [0, 1, 1_452, 9_000])
    first.port.send(new Uint8Array(length).fill(length), second.words, 0)
  await vi.waitFor(() => expect(second.received).toHaveLength(4))
  expect(second.received.map(({ datagram }) => datagram.length)).toEqual([0, 1, 1_452, 9_000])
  expect(second.received[0]?.sender).toEqual(first.port.endpoint)
  second.port.send(Uint8Array.of(7), first.words, 0)
  await vi.waitFor(() =>
    expect(first.received).toEqual([{ datagram: Uint8Array.of(7), sender: second.port.endpoint }]),
  )
})

test.skipIf(!hasIpv6())('serves both families on the IPv6 wildcard address', async () => {
  const dual = await open('::')
  const { port } = dual.port.endpoint
  for (const address of ['127.0.0.1', '::1']) {
    const peer = await open(address)
    peer.port.send(Uint8Array.of(1), wordsOf({ address, port }), 0)
    await vi.waitFor(() => expect(dual.received.at(-1)?.sender).toEqual(peer.port.endpoint))
    dual.port.send(Uint8Array.of(2), peer.words, 0)
    await vi.waitFor(() => expect(peer.received).toHaveLength(1))
  }
})

test('counts what the system refuses and goes on', async () => {
  const [first, second] = [await open('127.0.0.1'), await open('127.0.0.1')]
  first.port.send(new Uint8Array(70_000), second.words, 0)
  first.port.send(Uint8Array.of(1), wordsOf({ address: '::1', port: 9 }), 0)
  first.port.send(Uint8Array.of(2), second.words, 0)
  await vi.waitFor(() => expect(second.received).toHaveLength(1))
  expect(Object.fromEntries(first.port.failuresByCode)).toEqual({ EMSGSIZE: 1, EINVAL: 1 })
})

test('is not disturbed by a destination where nobody listens', async () => {
  const [first, second] = [await open('127.0.0.1'), await open('127.0.0.1')]
  const gone = second.words
  await second.port.close()
  first.port.send(Uint8Array.of(1), gone, 0)
  const third = await open('127.0.0.1')
  first.port.send(Uint8Array.of(2), third.words, 0)
  await vi.waitFor(() => expect(third.received).toHaveLength(1))
})

test('drops what is sent after it is closed', async () => {
  const { port, words } = await open('127.0.0.1')
  await port.close()
  port.send(Uint8Array.of(1), words, 0)
  await port.close()
})

test('refuses an address that is taken', async () => {
  const { port } = await open('127.0.0.1')
  await expect(openUdpPort(port.endpoint, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

async function open(address: string) {
  const received: { datagram: Uint8Array; sender: Endpoint }[] = []
  const port = await openUdpPort({ address, port: 0 }, (datagram, words) => {
    const { address: from, port: fromPort } = readClient(words, 0)
    received.push({ datagram: Uint8Array.from(datagram), sender: { address: from, port: fromPort } })
  })
  ports.push(port)
  return { port, received, words: wordsOf(port.endpoint) }
}

function wordsOf({ address, port }: Endpoint): Int32Array {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, { address, port, listener: 0, transport: 'udp' })
  return words
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
}
