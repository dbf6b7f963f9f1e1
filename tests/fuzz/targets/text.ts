/** Small text formats: addresses, encodings, key lists and rows of bindings. */

import {
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '#shared/bytes'
import {
  ENDPOINT_WORDS,
  formatAddress,
  formatEndpoint,
  parseAddress,
  parseEndpoint,
  readClient,
  writeClient,
} from '#shared/endpoint'
import { parseKeyList } from '#shared/keys/key-list'
import {
  bindingField,
  bindingValue,
  parseBindingValue,
  writeFieldClient,
} from '../../../relay-nodes/core/binding-row.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const encodings: FuzzTarget = {
  name: 'encodings',
  maxBytes: 64,
  seeds: () => ['00ffAb', 'AP+r', 'AP8=', 'AA==', 'AP-r', '_w', 'ÄÖ', ''].map(utf8),
  run(input) {
    mustEqual(fromHex(toHex(input)), input, 'hex')
    mustEqual(fromBase64(toBase64(input)), input, 'base64')
    mustEqual(fromBase64Url(toBase64Url(input)), input, 'base64url')
    const text = fromUtf8(input)
    if (text === undefined) return 'not-utf8'
    mustEqual(utf8(text), input, 'UTF-8')
    const hex = fromHex(text)
    const base64 = fromBase64(text)
    const base64Url = fromBase64Url(text)
    if (hex !== undefined) mustEqual(toHex(hex), text.toLowerCase(), 'hex digits')
    if (base64 !== undefined) mustEqual(toBase64(base64), text, 'base64 digits')
    if (base64Url !== undefined) mustEqual(toBase64Url(base64Url), text, 'base64url digits')
    const forms = { hex, base64, base64Url }
    return Object.entries(forms).reduce((word, [form, bytes]) => (bytes ? `${word}-${form}` : word), 'text')
  },
}

export const endpoint: FuzzTarget = {
  name: 'endpoint',
  maxBytes: 80,
  words: [':', '::', '.', '0', '255', 'ffff', '[', ']', '::ffff:'],
  seeds: () =>
    ['192.0.2.1', '::', '2001:db8::1', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8', '[::1]:443', '1.2.3.4:5'].map(
      utf8,
    ),
  run(input) {
    const text = fromUtf8(input)
    if (text === undefined) return 'not-utf8'
    const address = parseAddress(text)
    if (address !== undefined) {
      mustEqual(parseAddress(formatAddress(address)), address, 'an address formatted differs')
      mustSurviveWords(formatAddress(address))
    }
    const parsed = parseEndpoint(text)
    if (parsed !== undefined) {
      mustEqual(parseEndpoint(formatEndpoint(parsed)), parsed, 'an endpoint formatted differs')
      mustHold(parsed.port >= 0 && parsed.port <= 0xffff, 'a port out of range')
    }
    return `${address ? 'address' : 'no-address'}-${parsed ? 'endpoint' : 'no-endpoint'}`
  },
}

export const keyList: FuzzTarget = {
  name: 'key-list',
  maxBytes: 200,
  words: [',', ':', '0:', '14:', '15:', '00', 'ff'.repeat(16)],
  seeds: () => [utf8(`0:${'00'.repeat(16)},1:${'fF'.repeat(16)}`), utf8(` 14:${'0a'.repeat(16)} `)],
  run(input) {
    const keys = parseKeyList(fromUtf8(input) ?? '', 16, 14)
    if (typeof keys === 'string') return keys
    mustHold(new Set(keys.map(({ id }) => id)).size === keys.length, 'an id twice')
    for (const { id, key } of keys) mustHold(id >= 0 && id <= 14 && key.length === 16, 'a key out of range')
    return `keys-${Math.min(keys.length, 3)}`
  },
}

export const bindingRow: FuzzTarget = {
  name: 'binding-row',
  maxBytes: 120,
  words: ['/', ':', '0', '255', '256', '65535', '1048575', '4095', '[', ']'],
  seeds: () =>
    ['198.51.100.7:50000/0', '[2001:db8::7]:50000/1', '1/7/1800007200', '4095/1048575/0'].map(utf8),
  run(input) {
    const text = fromUtf8(input)
    if (text === undefined) return 'not-utf8'
    const words = new Int32Array(ENDPOINT_WORDS)
    if (writeFieldClient(text, words, 0)) {
      const again = new Int32Array(ENDPOINT_WORDS)
      mustHold(writeFieldClient(bindingField(words, 0), again, 0), 'a field written is none')
      mustEqual(again, words, 'a field written differs')
      mustHold(
        readClient(words, 0).port > 0 && readClient(words, 0).transport === 'udp',
        'no client has that',
      )
      return 'field'
    }
    const binding = parseBindingValue(text)
    if (binding === undefined) return 'neither'
    mustEqual(parseBindingValue(bindingValue(binding.route, binding.expiresAt)), binding, 'a value written')
    return 'value'
  },
}

function mustSurviveWords(address: string): void {
  const client = { address, port: 65_535, listener: 255, transport: 'tcp' } as const
  const words = new Int32Array(ENDPOINT_WORDS)
  mustHold(writeClient(words, 0, client), 'a canonical address is none')
  mustEqual(readClient(words, 0), client, 'a client in words differs')
}
