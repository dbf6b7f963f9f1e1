import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { concatBytes, utf8, writeU16 } from '#shared/bytes'
import { encodeChannelAck, parseDcep } from './dcep.ts'

test('reads the label and the protocol of an open request', () => {
  expect(parseDcep(open('oai-events', ''))).toEqual({ label: 'oai-events', protocol: '' })
  expect(parseDcep(open('événements', 'json'))).toEqual({ label: 'événements', protocol: 'json' })
})

test('reads its own acknowledgement', () => {
  expect(parseDcep(encodeChannelAck())).toBe('ack')
})

test('refuses lengths that do not add up, labels that are not UTF-8 and unknown types', () => {
  expect(parseDcep(new Uint8Array(0))).toBeUndefined()
  expect(parseDcep(open('label', '').subarray(0, 11))).toBeUndefined()
  expect(parseDcep(open('label', '').subarray(0, 16))).toBeUndefined()
  expect(parseDcep(concatBytes(open('label', ''), new Uint8Array(1)))).toBeUndefined()
  expect(parseDcep(open('x', '').fill(0xff, 12))).toBeUndefined()
  expect(parseDcep(Uint8Array.of(1))).toBeUndefined()
})

test('takes any bytes without throwing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      parseDcep(bytes)
      parseDcep(concatBytes(Uint8Array.of(3), bytes))
    }),
  )
})

function open(label: string, protocol: string): Uint8Array {
  const header = new Uint8Array(12)
  header[0] = 3
  writeU16(header, 8, utf8(label).length)
  writeU16(header, 10, utf8(protocol).length)
  return concatBytes(header, utf8(label), utf8(protocol))
}
