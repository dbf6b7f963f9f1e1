import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ENDPOINT_WORDS, formatAddress } from '#shared/endpoint'
import { epochSecondsOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { bindingField, bindingValue, parseBindingValue, writeFieldClient } from './binding-row.ts'
import { routeWord } from './upstreams.ts'

const NOW = epochSecondsOf(1_800_007_200)

test('writes rows as docs/recovery.md shows them', () => {
  const ipv4 = clientWords({ address: '198.51.100.7', port: 50_000 })
  const ipv6 = clientWords({ address: '2001:db8::7', port: 50_000, listener: 1 })
  expect([bindingField(ipv4, 0), bindingField(ipv6, 0)]).toEqual([
    '198.51.100.7:50000/0',
    '[2001:db8::7]:50000/1',
  ])
  expect(bindingValue(routeWord(1, 7), NOW)).toBe('1/7/1800007200')
})

describe('a row', () => {
  const address = fc.oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatAddress), fc.ipV4())
  const client = fc.record({ address, port: fc.integer({ min: 1, max: 65_535 }), listener: fc.nat(255) })

  test('is read back as it was written', () => {
    const field = fc.property(client, (written) => {
      const read = new Int32Array(ENDPOINT_WORDS)
      expect(writeFieldClient(bindingField(clientWords(written), 0), read, 0)).toBe(true)
      expect(read).toEqual(clientWords(written))
    })
    const value = fc.property(fc.nat(4_095), fc.nat(2 ** 20 - 1), (cluster, transceiver) => {
      const route = routeWord(cluster, transceiver)
      expect(parseBindingValue(bindingValue(route, NOW))).toEqual({ route, expiresAt: NOW })
    })
    fc.assert(field)
    fc.assert(value)
  })

  test('of any other text is none', () => {
    const words = new Int32Array(ENDPOINT_WORDS)
    for (const text of [
      '',
      '/',
      '1.2.3.4/0',
      '1.2.3.4:5',
      '1.2.3.4:0/0',
      '1.2.3.4:5/256',
      '1.2.3.4:5/00',
      'x:1/0',
    ]) {
      expect(writeFieldClient(text, words, 0)).toBe(false)
    }
    for (const text of [
      '',
      '1/2',
      '1/2/3/4',
      '4096/0/1',
      '0/1048576/1',
      '-1/0/1',
      '01/0/1',
      '1//1',
      ' 1/1/1',
    ]) {
      expect(parseBindingValue(text)).toBeUndefined()
    }
    const anything = fc.property(fc.string(), (text) => {
      writeFieldClient(text, words, 0)
      parseBindingValue(text)
    })
    fc.assert(anything)
  })
})
