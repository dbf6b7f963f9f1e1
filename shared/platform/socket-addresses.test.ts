import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, readClient } from '#shared/endpoint'
import { SocketAddresses } from './socket-addresses.ts'

test.each([
  ['an IPv4 socket', false, '192.0.2.1', '192.0.2.1'],
  ['a dual-stack socket', true, '::ffff:192.0.2.1', '192.0.2.1'],
  ['a dual-stack socket', true, '2001:db8::1', '2001:db8::1'],
  ['a dual-stack socket', true, '::', '::'],
])('%s (%s) speaks of %s', (_, isDualStack, text, address) => {
  const addresses = new SocketAddresses(isDualStack)
  const words = new Int32Array(ENDPOINT_WORDS + 1)
  for (const round of ['parsed', 'remembered']) {
    expect(addresses.write(text, words, 1), round).toBe(true)
    expect(readClient(words, 1).address, round).toBe(address)
    expect(addresses.textOf(words, 1), round).toBe(text)
  }
})

test('leaves the port alone', () => {
  const words = new Int32Array([0, 0, 0, 0, 3478])
  expect(new SocketAddresses(false).write('192.0.2.1', words, 0)).toBe(true)
  expect(words[4]).toBe(3478)
})

test('refuses what is no address, a zone included', () => {
  const words = new Int32Array(ENDPOINT_WORDS)
  expect(new SocketAddresses(true).write('fe80::1%eth0', words, 0)).toBe(false)
  expect(words).toEqual(new Int32Array(ENDPOINT_WORDS))
})

test('stays right when more addresses come than it remembers', () => {
  const addresses = new SocketAddresses(false)
  const words = new Int32Array(ENDPOINT_WORDS)
  const texts = Array.from({ length: 10_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
  const seen = texts.map((text) => (addresses.write(text, words, 0) ? addresses.textOf(words, 0) : 'refused'))
  expect(seen).toEqual(texts)
})
