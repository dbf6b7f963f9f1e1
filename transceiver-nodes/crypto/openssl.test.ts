import { bindNative } from '#shared/platform/native'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import * as openssl from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'

test('turns a failed call into a coded error and leaves no error behind', () => {
  const fetchNothing = (): number => openssl.EVP_CIPHER_fetch(0, 'NO-SUCH-CIPHER', null)
  expect(() => openssl.demand(fetchNothing(), 'AES')).toThrow(
    expect.objectContaining({ code: 'call-failed' }),
  )
  expect(() => openssl.demand(fetchNothing(), 'AES')).toThrow('AES: unsupported')
  expect(openssl.drainErrors()).toBe(0)
})

test('drains every error and reports the first', () => {
  openssl.SSL_new(0)
  openssl.EVP_CIPHER_fetch(0, 'NO-SUCH-CIPHER', null)
  openssl.SSL_new(0)
  expect(openssl.sslReasonOf(openssl.drainErrors())).toBe(SSL_R_NULL_SSL_CTX)
  expect(openssl.drainErrors()).toBe(0)
})

test('tells a reason of the SSL library from that of another', () => {
  openssl.EVP_CIPHER_fetch(0, 'NO-SUCH-CIPHER', null)
  const error = openssl.drainErrors()
  expect(error).not.toBe(0)
  expect(openssl.sslReasonOf(error)).toBe(0)
})

test('shares memory with native code, and its address does not move', () => {
  const memory = new PacketMemory(64)
  const bio = openssl.BIO_new(openssl.BIO_s_dgram_mem())
  const text = new TextEncoder().encode('native')
  memory.bytes.set(text, 7)
  // Garbage for the collector, which moves what may move.
  for (let i = 0; i < 1000; i++) createHash('sha256').update(new Uint8Array(10_000)).digest()
  expect(openssl.BIO_write(bio, memory.address + 7, text.length)).toBe(text.length)
  expect(openssl.BIO_read(bio, memory.address + 32, 32)).toBe(text.length)
  expect(memory.bytes.slice(32, 32 + text.length)).toEqual(text)
  bindNative('int BIO_free(uintptr_t bio)')(bio)
})

test('refuses memory of no size, and knows its bounds', () => {
  expect(() => new PacketMemory(0)).toThrow(RangeError)
  expect(() => new PacketMemory(1.5)).toThrow(RangeError)
  const memory = new PacketMemory(10)
  expect(memory.holds(0, 10)).toBe(true)
  expect(memory.holds(10, 0)).toBe(true)
  expect(memory.holds(1, 10)).toBe(false)
  expect(memory.holds(-1, 5)).toBe(false)
  expect(memory.holds(5, -1)).toBe(false)
  expect(memory.holds(Number.NaN, 1)).toBe(false)
})

/** sslerr.h. */
const SSL_R_NULL_SSL_CTX = 195
