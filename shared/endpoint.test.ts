import { BlockList, isIPv4, isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from './bytes.ts'
import {
  ENDPOINT_WORDS,
  formatAddress,
  formatEndpoint,
  isIpv4Words,
  parseAddress,
  parseEndpoint,
  readClient,
  writeClient,
} from './endpoint.ts'
import type { Client } from './endpoint.ts'

/** Sixteen bytes, of which many are zero, so that runs of zeros are met. */
const addressBytes = fc.uint8Array({ minLength: 16, maxLength: 16 })
const sparseBytes = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff])))
const anyAddress = fc.oneof(
  addressBytes,
  sparseBytes,
  fc.ipV4().map((text) => parseAddress(text)!),
)

test.each([
  // RFC 5952 section 1 and 4, RFC 4291 section 2.2.
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:DB8:AAAA::', '2001:db8:aaaa::'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
])('writes %s as %s', (text, canonical) => {
  expect(formatAddress(parseAddress(text)!)).toBe(canonical)
})

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '1.2.3.256',
  '1.2.3.4 ',
  '0x1.2.3.4',
  '1.2.3.-4',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '::1:2:3:4:5:6:7:8',
  '1::2::3',
  '12345::',
  '::g',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '::1.2.3',
  '::01.2.3.4',
  'fe80::1%eth0',
  '[::1]',
  'example.org',
])('refuses %j as an address', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})

test('reads back every address that it writes', () => {
  fc.assert(
    fc.property(anyAddress, (bytes) => {
      expect(toHex(parseAddress(formatAddress(bytes))!)).toBe(toHex(bytes))
    }),
  )
})

test('writes IPv6 as RFC 5952 section 4 says', () => {
  fc.assert(
    fc.property(fc.oneof(addressBytes, sparseBytes), (bytes) => {
      const text = formatAddress(bytes)
      if (isIPv4(text)) return
      expect(isIPv6(text)).toBe(true)
      expect(text).toBe(text.toLowerCase())
      expect(text).not.toMatch(/(^|:)0[0-9a-f]/)
      const runs = zeroRuns(bytes)
      const longest = Math.max(0, ...runs.map((run) => run.length))
      // "::" is there exactly if two groups or more are zero, and it is the first of the longest runs.
      expect(text.includes('::')).toBe(longest >= 2)
      if (longest < 2) return
      const before = text
        .slice(0, text.indexOf('::'))
        .split(':')
        .filter((group) => group !== '')
      expect(before.length).toBe(runs.find((run) => run.length === longest)!.start)
      expect(text.split(/::?/).filter((group) => group !== '').length).toBe(8 - longest)
    }),
  )
})

test('accepts exactly the addresses that node:net accepts, but for zones', () => {
  const part = fc.constantFrom(
    '0',
    '1',
    '00',
    'ffff',
    'a.b',
    ':',
    '::',
    ':',
    '.',
    '1.2.3.4',
    '255',
    '256',
    '%1',
    'g',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
      const text = parts.join('')
      const isAddress = isIPv4(text) || (isIPv6(text) && !text.includes('%'))
      expect(parseAddress(text) !== undefined).toBe(isAddress)
    }),
    { numRuns: 2000 },
  )
})

test('gives an IPv4 address and its IPv4-mapped form one text, as the kernel gives them one route', () => {
  const list = new BlockList()
  list.addAddress('192.0.2.1', 'ipv4')
  expect(list.check('::ffff:192.0.2.1', 'ipv6')).toBe(true)
  expect(formatAddress(parseAddress('::ffff:192.0.2.1')!)).toBe('192.0.2.1')
})

const client: fc.Arbitrary<Client> = fc.record({
  address: anyAddress.map(formatAddress),
  port: fc.nat(0xffff),
  listener: fc.nat(0xff),
  transport: fc.constantFrom('udp' as const, 'tcp' as const),
})

test('reads back every client that it writes as words, wherever they stand', () => {
  fc.assert(
    fc.property(client, fc.nat(3), (value, at) => {
      const words = new Int32Array(ENDPOINT_WORDS + 3).fill(-1)
      expect(writeClient(words, at, value)).toBe(true)
      expect(readClient(words, at)).toEqual(value)
      expect(isIpv4Words(words, at)).toBe(isIPv4(value.address))
      expect(words.filter((_, i) => i < at || i >= at + ENDPOINT_WORDS).every((word) => word === -1)).toBe(
        true,
      )
    }),
  )
})

test('lays words out as documented', () => {
  const words = new Int32Array(10)
  writeClient(words, 0, { address: '192.0.2.1', port: 0x1234, listener: 0, transport: 'udp' })
  writeClient(words, 5, { address: '2001:db8::ff', port: 0xffff, listener: 255, transport: 'tcp' })
  expect([...words.subarray(0, 5)]).toEqual([0, 0, 0xffff, 0xc0000201 | 0, 0x1234])
  expect([...words.subarray(5)]).toEqual([0x20010db8, 0, 0, 0xff, 0x01ffffff])
})

test('writes nothing for a client whose address is not one', () => {
  const words = new Int32Array(5).fill(7)
  expect(writeClient(words, 0, { address: 'relay.example', port: 1, listener: 0, transport: 'udp' })).toBe(
    false,
  )
  expect([...words]).toEqual([7, 7, 7, 7, 7])
})

test('writes endpoints as RFC 5952 section 6 recommends, and reads them back', () => {
  expect(formatEndpoint({ address: '1.2.3.4', port: 5 })).toBe('1.2.3.4:5')
  expect(formatEndpoint({ address: '::1', port: 65535 })).toBe('[::1]:65535')
  fc.assert(
    fc.property(anyAddress.map(formatAddress), fc.nat(0xffff), (address, port) => {
      expect(parseEndpoint(formatEndpoint({ address, port }))).toEqual({ address, port })
    }),
  )
})

test('makes the address of an endpoint canonical', () => {
  expect(parseEndpoint('[2001:DB8::0:1]:1')).toEqual({ address: '2001:db8::1', port: 1 })
  expect(parseEndpoint('[::ffff:1.2.3.4]:1')).toEqual({ address: '1.2.3.4', port: 1 })
})

test.each([
  '',
  '1.2.3.4',
  '1.2.3.4:',
  '1.2.3.4:65536',
  '1.2.3.4:-1',
  '1.2.3.4: 1',
  '::1:80',
  '[::1]',
  '[1.2.3.4]:5',
  '[::1]:1x',
  'host:1',
  '1.2.3.4:05',
  '[::1]]:5',
  '[[::1]:5',
])('refuses %j as an endpoint', (text) => {
  expect(parseEndpoint(text)).toBeUndefined()
})

test('survives any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      parseAddress(text)
      parseEndpoint(text)
    }),
  )
})

function zeroRuns(bytes: Uint8Array): { start: number; length: number }[] {
  const isZero = Array.from({ length: 8 }, (_, i) => bytes[2 * i] === 0 && bytes[2 * i + 1] === 0)
  return isZero.flatMap((zero, start) => {
    if (!zero || isZero[start - 1]) return []
    const end = isZero.indexOf(false, start)
    return [{ start, length: (end < 0 ? 8 : end) - start }]
  })
}
