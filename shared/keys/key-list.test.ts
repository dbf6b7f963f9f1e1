import { expect, test } from 'vitest'
import { parseKeyList } from './key-list.ts'

const ONE = '01'.repeat(16)
const TWO = 'Fe'.repeat(16)

test('reads keys in their order, with space around them', () => {
  expect(parseKeyList(`3:${ONE}, 0:${TWO} `, 16, 14)).toEqual([
    { id: 3, key: new Uint8Array(16).fill(1) },
    { id: 0, key: new Uint8Array(16).fill(0xfe) },
  ])
})

test.each([
  ['', 'keys-malformed'],
  [ONE, 'keys-malformed'],
  [`-1:${ONE}`, 'keys-malformed'],
  [`0:${ONE},`, 'keys-malformed'],
  [`0:${ONE}f`, 'keys-malformed'],
  [`0:${ONE.replace('0', 'x')}`, 'keys-malformed'],
  [`0:${ONE}ff`, 'keys-wrong-length'],
  [`15:${ONE}`, 'keys-id-too-large'],
  [`0:${ONE},0:${TWO}`, 'keys-id-twice'],
])('refuses %s: %s', (text, fault) => {
  expect(parseKeyList(text, 16, 14)).toBe(fault)
})
