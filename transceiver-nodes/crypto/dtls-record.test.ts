import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from '#shared/bytes'
import { DTLS_VECTORS, datagramVectors } from '../../tests/datagram-vectors.ts'
import { hasForgedRecord } from './dtls-record.ts'

test('finds an encrypted record without room for nonce and tag, wherever it stands', () => {
  const plain = record(HANDSHAKE, 0, 2)
  const whole = record(APPLICATION_DATA, 1, 24)
  const short = record(APPLICATION_DATA, 1, 23)
  expect(find(plain)).toBe(false)
  expect(find(whole)).toBe(false)
  expect(find(short)).toBe(true)
  expect(find(record(HANDSHAKE, 2, 0))).toBe(true)
  expect(find(concatBytes(plain, whole, short))).toBe(true)
  expect(find(concatBytes(whole, plain, whole))).toBe(false)
})

test('finds unknown types, and application data in the clear', () => {
  expect([19, 20, 21, 22, 23, 24, 25, 26, 63].filter((type) => find(record(type, 0, 30)))).toEqual([
    19, 23, 24, 25, 26, 63,
  ])
  expect([19, 20, 21, 22, 23, 24, 25, 26, 63].filter((type) => find(record(type, 1, 30)))).toEqual([
    19, 24, 25, 26, 63,
  ])
})

test('reads no further than the datagram', () => {
  const memory = concatBytes(record(HANDSHAKE, 0, 5), record(HANDSHAKE, 1, 0))
  expect(hasForgedRecord(memory, 0, 18)).toBe(false)
  expect(hasForgedRecord(memory, 0, 30)).toBe(false)
  expect(hasForgedRecord(memory, 0, 31)).toBe(true)
  expect(hasForgedRecord(memory, 18, 13)).toBe(true)
})

test('finds nothing in what browsers send', () => {
  for (const datagram of DTLS_VECTORS.flatMap((name) => datagramVectors(name))) {
    expect(find(datagram)).toBe(false)
  }
})

test('ends, whatever the bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void find(bytes)))
})

function find(datagram: Uint8Array): boolean {
  return hasForgedRecord(datagram, 0, datagram.length)
}

function record(type: number, epoch: number, fragmentBytes: number): Uint8Array {
  const bytes = new Uint8Array(13 + fragmentBytes)
  bytes.set([type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, 0, fragmentBytes])
  return bytes
}

/** RFC 5246 section 6.2.1. */
const HANDSHAKE = 22
const APPLICATION_DATA = 23
