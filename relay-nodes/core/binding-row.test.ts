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
    'c633640700c350',
    '20010db800000000000000000000000701c350',
  ])
  expect(bindingValue(routeWord(1, 7), NOW)).toBe('001000076b49ee20')
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
    const fields = [
      '',
      'c633640700c35',
      'c633640700c3500',
      'C633640700C350',
      'c633640700000',
      'c6336407000000',
      'g633640700c350',
      '00000000000000000000ffffc633640700c350',
    ]
    for (const text of fields) expect(writeFieldClient(text, words, 0)).toBe(false)
    for (const text of ['', '001000076b49ee2', '001000076b49ee200', '-01000076b49ee20', '001000076B49EE20']) {
      expect(parseBindingValue(text)).toBeUndefined()
    }
    const anything = fc.property(fc.string(), (text) => {
      writeFieldClient(text, words, 0)
      parseBindingValue(text)
    })
    fc.assert(anything)
  })
})
