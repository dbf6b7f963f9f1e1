import { expect, test } from 'vitest'

import { fromHex, utf8 } from '#shared/bytes'
import { crc32c } from './crc32c.ts'

// RFC 3720 appendix B.4, whose byte strings are the CRC in transmission order; the last one is the usual check value.
test.each([
  [new Uint8Array(32), 0x8a91_36aa],
  [new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd_794e],
  [Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113f_db5c],
  [utf8('123456789'), 0xe306_9283],
])('gives the published value', (bytes, expected) => {
  expect(crc32c(bytes, 0, bytes.length)).toBe(expected)
})

test('goes on from the value of the bytes before', () => {
  const bytes = fromHex('00112233445566778899') ?? new Uint8Array()
  expect(crc32c(bytes, 4, 10, crc32c(bytes, 0, 4))).toBe(crc32c(bytes, 0, 10))
})
