import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromUtf8, utf8, writeU16 } from '#shared/bytes'
import { hmacSha1 } from '#shared/platform/crypto'
import { datagramVectors, STUN_VECTORS } from '../../tests/datagram-vectors.ts'
import { priority, software, username } from './attributes.ts'
import { encodeStunMessage } from './message.ts'
import type { StunAttribute } from './message.ts'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_META_DTLS_IN_STUN,
  BINDING_REQUEST,
  BINDING_SUCCESS,
} from './registry.ts'
import { StunView } from './view.ts'

const protect = { integrity: hmacSha1(utf8('password')), fingerprint: true }

test('finds the route of a check wherever the datagram lies in memory', () => {
  fc.assert(
    fc.property(fc.nat(9), (start) => {
      const check = messageOf([software('x'), username('serverUfrag:client'), priority(1)], protect)
      const memory = new Uint8Array(start + check.length + 9).fill(0xff)
      memory.set(check, start)
      const view = readView(memory, start, check.length)
      const { usernameStart, usernameLength, ufragLength } = view
      expect(view.isBindingRequest).toBe(true)
      expect(view.transactionStart).toBe(start + 8)
      expect(textAt(memory, usernameStart, usernameLength)).toBe('serverUfrag:client')
      expect(textAt(memory, usernameStart, ufragLength)).toBe('serverUfrag')
      expect(view.integrityStart).toBe(start + check.length - 8 - 20)
      expect(view.fingerprintStart).toBe(start + check.length - 4)
    }),
  )
})

test.each(STUN_VECTORS)('finds the route in every check of %s', (name) => {
  for (const check of datagramVectors(name)) {
    const { isBindingRequest, usernameStart, ufragLength } = readView(check)
    expect(isBindingRequest).toBe(true)
    expect(textAt(check, usernameStart, ufragLength)).toBe('ANxYxytuDDaaL9dRix2sTU')
  }
})

test('forgets the message before', () => {
  const view = readView(messageOf([username('a:b')], protect))
  const bare = encodeStunMessage(BINDING_SUCCESS, new Uint8Array(12), [], {})
  expect(view.read(bare, 0, bare.length)).toBeUndefined()
  expect(view).toMatchObject({
    isBindingRequest: false,
    usernameStart: -1,
    usernameLength: 0,
    ufragLength: -1,
    integrityStart: -1,
    fingerprintStart: -1,
  })
})

test('finds no ufrag in a USERNAME without a colon, and an empty one before a leading colon', () => {
  expect(readView(messageOf([username('serverUfrag')])).ufragLength).toBe(-1)
  expect(readView(messageOf([username(':client')])).ufragLength).toBe(0)
})

test('takes the first USERNAME, and none behind an integrity attribute', () => {
  const check = messageOf([username('first:x'), username('second:x')])
  expect(readView(check).ufragLength).toBe('first'.length)
  for (const type of [ATTRIBUTE_MESSAGE_INTEGRITY, ATTRIBUTE_MESSAGE_INTEGRITY_SHA256]) {
    const sealed = messageOf([{ type, value: new Uint8Array(20) }, username('late:x')])
    expect(readView(sealed).usernameStart).toBe(-1)
  }
})

test.each([
  ['nothing', 'stun-truncated', new Uint8Array(0)],
  ['19 bytes', 'stun-truncated', messageOf([]).subarray(0, 19)],
  ['a type with a top bit', 'stun-type', patched(messageOf([]), 0, 0x4001)],
  ['a type with the other top bit', 'stun-type', patched(messageOf([]), 0, 0x8001)],
  ['the cookie of RFC 3489', 'stun-cookie', patched(messageOf([]), 4, 0x2113)],
  ['a length that is no multiple of 4', 'stun-length', patched(padded(messageOf([]), 2), 2, 2)],
  ['a length short of the datagram', 'stun-length', padded(messageOf([]), 4)],
  ['a length beyond the datagram', 'stun-length', patched(messageOf([]), 2, 4)],
  ['an attribute beyond the end', 'stun-attribute', patched(messageOf([priority(1)]), 22, 5)],
  ['an attribute of 65,535 bytes', 'stun-attribute', patched(messageOf([priority(1)]), 22, 0xffff)],
  ['an HMAC of 16 bytes', 'stun-integrity', messageOf([attribute(ATTRIBUTE_MESSAGE_INTEGRITY, 16)])],
  ['a CRC of 8 bytes', 'stun-fingerprint', messageOf([attribute(ATTRIBUTE_FINGERPRINT, 8)])],
  [
    'a FINGERPRINT before the end',
    'stun-fingerprint',
    messageOf([attribute(ATTRIBUTE_FINGERPRINT, 4), priority(1)]),
  ],
])('refuses %s: %s', (_, fault, bytes) => {
  expect(new StunView().read(bytes, 0, bytes.length)).toBe(fault)
})

test('tolerates unknown attributes of any size up to a datagram of 1,500 bytes', () => {
  const big = messageOf(
    [attribute(ATTRIBUTE_META_DTLS_IN_STUN, 1308), attribute(0x7fff, 96), username('a:b')],
    protect,
  )
  expect(big.length).toBe(1472)
  expect(readView(big).ufragLength).toBe(1)
})

test('reads only inside the datagram', () => {
  const check = messageOf([username('serverUfrag:client')], protect)
  const memory = new Uint8Array(check.length + 16)
  memory.set(check, 8)
  const view = new StunView()
  fc.assert(
    fc.property(fc.nat(check.length), fc.infiniteStream(fc.nat(0xff)), (length, noise) => {
      const before = view.read(memory, 8, length)
      memory.set(Uint8Array.from(noise.take(8)), 0)
      memory.set(Uint8Array.from(noise.take(8)), 8 + check.length)
      expect(view.read(memory, 8, length)).toBe(before)
      expect(before === undefined).toBe(length === check.length)
    }),
  )
})

test('survives any bytes', () => {
  const view = new StunView()
  const header = fc.uint8Array({ minLength: 4, maxLength: 60 }).map((noise) => {
    const bytes = padded(messageOf([]), noise.length & ~3)
    bytes.set(noise.subarray(0, noise.length & ~3), 20)
    return patched(bytes, 2, noise.length & ~3)
  })
  fc.assert(
    fc.property(fc.oneof(header, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      const fault = view.read(bytes, 0, bytes.length)
      if (fault !== undefined) expect(fault).toMatch(/^stun-[a-z]+$/)
      else expect(view.usernameStart + view.usernameLength).toBeLessThanOrEqual(bytes.length)
    }),
    { numRuns: 1000 },
  )
})

function messageOf(attributes: readonly StunAttribute[], protection = {}): Uint8Array {
  return encodeStunMessage(BINDING_REQUEST, new Uint8Array(12).fill(7), attributes, protection)
}

function attribute(type: number, length: number): StunAttribute {
  return { type, value: new Uint8Array(length) }
}

function readView(memory: Uint8Array, start = 0, length = memory.length): StunView {
  const view = new StunView()
  expect(view.read(memory, start, length)).toBeUndefined()
  return view
}

function textAt(memory: Uint8Array, start: number, length: number): string | undefined {
  return fromUtf8(memory.subarray(start, start + length))
}

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice()
  writeU16(copy, at, value)
  return copy
}

function padded(bytes: Uint8Array, extra: number): Uint8Array {
  const longer = new Uint8Array(bytes.length + extra)
  longer.set(bytes)
  return longer
}
