import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '#shared/bytes'
import { classifyPacket } from '#shared/packet/classify'
import { hmacSha1 } from '#shared/platform/crypto'
import { datagramVectors, STUN_VECTOR_PASSWORD } from '../../tests/datagram-vectors.ts'
import vectors from '../../tests/vectors/rfc5769.json' with { type: 'json' }
import {
  iceControlled,
  priority,
  readXorMappedAddress,
  software,
  username,
  xorMappedAddress,
} from './attributes.ts'
import { checkFingerprint, checkIntegrity } from './integrity.ts'
import { encodeStunMessage, findAttribute, parseStunMessage } from './message.ts'
import type { StunAttribute, StunMessage } from './message.ts'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_META_DTLS_IN_STUN,
  ATTRIBUTE_META_DTLS_IN_STUN_ACKNOWLEDGEMENT,
  ATTRIBUTE_PRIORITY,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  BINDING_REQUEST,
  BINDING_SUCCESS,
} from './registry.ts'
import { StunView } from './view.ts'

const shortTerm = hmacSha1(utf8(vectors.password))

test('parses the sample request of RFC 5769 section 2.1', () => {
  const { bytes, message } = parseVector(vectors.request.hex)
  expect(message.type).toBe(BINDING_REQUEST)
  expect(toHex(message.transactionId)).toBe(vectors.request.transactionId)
  expect(textOf(message, ATTRIBUTE_SOFTWARE)).toBe(vectors.request.software)
  expect(textOf(message, ATTRIBUTE_USERNAME)).toBe(vectors.request.username)
  expect(findAttribute(message, ATTRIBUTE_PRIORITY)).toEqual(priority(vectors.request.priority).value)
  expect(checkIntegrity(bytes, shortTerm)).toBe('valid')
  expect(checkFingerprint(bytes)).toBe('valid')
})

test.each([vectors.ipv4Response, vectors.ipv6Response])(
  'parses the sample response of RFC 5769 with $mappedAddress.address',
  (vector) => {
    const { bytes, message } = parseVector(vector.hex)
    expect(message.type).toBe(BINDING_SUCCESS)
    expect(textOf(message, ATTRIBUTE_SOFTWARE)).toBe(vector.software)
    const mapped = findAttribute(message, ATTRIBUTE_XOR_MAPPED_ADDRESS)!
    expect(readXorMappedAddress(mapped, message.transactionId)).toEqual(vector.mappedAddress)
    expect(checkIntegrity(bytes, shortTerm)).toBe('valid')
    expect(checkFingerprint(bytes)).toBe('valid')
  },
)

test('parses the long-term request of RFC 5769 section 2.4 and writes it back to the byte', () => {
  const { bytes, message } = parseVector(vectors.longTermRequest.hex)
  const { username: name, realm, saslPreparedPassword } = vectors.longTermRequest
  const longTerm = hmacSha1(createHash('md5').update(`${name}:${realm}:${saslPreparedPassword}`).digest())
  expect(textOf(message, ATTRIBUTE_USERNAME)).toBe(name)
  expect(textOf(message, REALM)).toBe(realm)
  expect(checkIntegrity(bytes, longTerm)).toBe('valid')
  expect(checkFingerprint(bytes)).toBe('absent')
  const attributes = message.attributes.filter(({ type }) => type !== ATTRIBUTE_MESSAGE_INTEGRITY)
  expect(
    toHex(encodeStunMessage(message.type, message.transactionId, attributes, { integrity: longTerm })),
  ).toBe(vectors.longTermRequest.hex)
})

test.each([
  {
    vector: vectors.request,
    type: BINDING_REQUEST,
    attributes: [
      software(vectors.request.software),
      priority(vectors.request.priority),
      iceControlled(fromHex(vectors.request.tieBreaker)!),
      username(vectors.request.username),
    ],
  },
  ...[vectors.ipv4Response, vectors.ipv6Response].map((vector) => ({
    vector,
    type: BINDING_SUCCESS,
    attributes: [
      software(vector.software),
      xorMappedAddress(vector.mappedAddress, fromHex(vector.transactionId)!),
    ],
  })),
])('writes a sample of RFC 5769 from its values, but for the padding', ({ vector, type, attributes }) => {
  const transactionId = fromHex(vector.transactionId)!
  const encoded = encodeStunMessage(type, transactionId, attributes, {
    integrity: shortTerm,
    fingerprint: true,
  })
  // The samples pad with spaces; RFC 8489 section 14 pads with zeros, so the two proofs differ as well.
  const sample = fromHex(vector.hex)!
  const protectedFrom = sample.length - 8 - 24
  expect(encoded.length).toBe(sample.length)
  expect(toHex(encoded.subarray(0, protectedFrom))).toBe(withZeroPadding(sample.subarray(0, protectedFrom)))
  expect(checkIntegrity(encoded, shortTerm)).toBe('valid')
  expect(checkFingerprint(encoded)).toBe('valid')
})

const anyValue = fc.uint8Array({ maxLength: 40 })
const ordinaryType = fc
  .nat(0xffff)
  .filter(
    (type) =>
      type !== ATTRIBUTE_FINGERPRINT &&
      type !== ATTRIBUTE_MESSAGE_INTEGRITY &&
      type !== ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  )
const attributes = fc.array(
  fc.record<StunAttribute>({
    type: fc.oneof(ordinaryType, fc.constant(ATTRIBUTE_USERNAME)),
    value: anyValue,
  }),
  { maxLength: 6 },
)
const transactionId = fc.uint8Array({ minLength: 12, maxLength: 12 })

test('reads back every message that it writes, protected or not', () => {
  fc.assert(
    fc.property(
      fc.nat(0x3fff),
      transactionId,
      attributes,
      fc.boolean(),
      fc.boolean(),
      (type, id, list, hasIntegrity, fingerprint) => {
        const protect = { ...(hasIntegrity ? { integrity: shortTerm } : {}), fingerprint }
        const bytes = encodeStunMessage(type, id, list, protect)
        const message = parseStunMessage(bytes) as StunMessage
        expect(message.type).toBe(type)
        expect(message.transactionId).toEqual(id)
        expect(message.attributes.slice(0, list.length)).toEqual(list)
        expect(message.attributes.slice(list.length).map(({ type }) => type)).toEqual([
          ...(hasIntegrity ? [ATTRIBUTE_MESSAGE_INTEGRITY] : []),
          ...(fingerprint ? [ATTRIBUTE_FINGERPRINT] : []),
        ])
        expect(checkIntegrity(bytes, shortTerm)).toBe(hasIntegrity ? 'valid' : 'absent')
        expect(checkFingerprint(bytes)).toBe(fingerprint ? 'valid' : 'absent')
      },
    ),
  )
})

test('agrees with the view on what is a message and what is in it', () => {
  const view = new StunView()
  fc.assert(
    fc.property(fc.oneof(anyDatagram(), damagedMessage()), (bytes) => {
      const fault = view.read(bytes, 0, bytes.length)
      const message = parseStunMessage(bytes)
      if (typeof message === 'string' || fault !== undefined) {
        expect(message).toBe(fault)
        return
      }
      expect(message.type).toBe(view.messageType)
      const name = findAttribute(message, ATTRIBUTE_USERNAME)
      expect(view.usernameStart < 0).toBe(name === undefined)
      if (name !== undefined) {
        expect(bytes.subarray(view.usernameStart, view.usernameStart + view.usernameLength)).toEqual(name)
      }
      expect(view.integrityStart < 0).toBe(findAttribute(message, ATTRIBUTE_MESSAGE_INTEGRITY) === undefined)
      expect(view.fingerprintStart < 0).toBe(findAttribute(message, ATTRIBUTE_FINGERPRINT) === undefined)
    }),
    { numRuns: 1000 },
  )
})

test('drops what stands behind MESSAGE-INTEGRITY, but for FINGERPRINT', () => {
  const forged = [{ type: ATTRIBUTE_MESSAGE_INTEGRITY, value: new Uint8Array(20) }, username('late:comer')]
  const bytes = encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [priority(1), ...forged], {
    fingerprint: true,
  })
  const message = parseStunMessage(bytes) as StunMessage
  expect(message.attributes.map(({ type }) => type)).toEqual([
    ATTRIBUTE_PRIORITY,
    ATTRIBUTE_MESSAGE_INTEGRITY,
    ATTRIBUTE_FINGERPRINT,
  ])
})

test('finds the first of a repeated attribute', () => {
  const bytes = encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [username('a:b'), username('c:d')], {})
  expect(textOf(parseStunMessage(bytes) as StunMessage, ATTRIBUTE_USERNAME)).toBe('a:b')
})

test('finds the DTLS flight in the checks of a Chromium that speaks SPED', () => {
  const flight = datagramVectors('chromium156-sped.stun').map((bytes) => {
    const message = parseStunMessage(bytes) as StunMessage
    expect(findAttribute(message, ATTRIBUTE_META_DTLS_IN_STUN_ACKNOWLEDGEMENT)?.length).toBe(0)
    return findAttribute(message, ATTRIBUTE_META_DTLS_IN_STUN)!
  })
  expect(flight.map((datagram) => classifyPacket(datagram, 0, datagram.length))).toEqual(['dtls', 'dtls'])
})

test('writes the check of a Chromium back to the byte', () => {
  const [bytes] = datagramVectors('chromium156.stun') as [Uint8Array]
  const { type, transactionId, attributes } = parseStunMessage(bytes) as StunMessage
  const plain = attributes.slice(0, -2)
  const protect = { integrity: hmacSha1(utf8(STUN_VECTOR_PASSWORD)), fingerprint: true }
  expect(toHex(encodeStunMessage(type, transactionId, plain, protect))).toBe(toHex(bytes))
})

test('carries a DTLS flight in a check of 1,500 bytes, as SPED does', () => {
  const flight = new Uint8Array(1320).fill(0x16)
  const sped = [
    username('server:client'),
    { type: ATTRIBUTE_META_DTLS_IN_STUN_ACKNOWLEDGEMENT, value: new Uint8Array(0) },
    { type: ATTRIBUTE_META_DTLS_IN_STUN, value: flight },
    software('x'.repeat(95)),
  ]
  const protect = { integrity: shortTerm, fingerprint: true }
  const bytes = encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), sped, protect)
  expect(bytes.length).toBe(1500)
  expect(findAttribute(parseStunMessage(bytes) as StunMessage, ATTRIBUTE_META_DTLS_IN_STUN)).toEqual(flight)
  expect(checkIntegrity(bytes, shortTerm)).toBe('valid')
})

test('throws on a message that cannot be encoded', () => {
  expect(() => encodeStunMessage(BINDING_REQUEST, new Uint8Array(11), [], {})).toThrow(RangeError)
  const long = { type: ATTRIBUTE_SOFTWARE, value: new Uint8Array(65_532) }
  expect(() => encodeStunMessage(BINDING_REQUEST, new Uint8Array(12), [long], {})).toThrow(RangeError)
})

function parseVector(hex: string): { bytes: Uint8Array; message: StunMessage } {
  const bytes = fromHex(hex)!
  const message = parseStunMessage(bytes)
  if (typeof message === 'string') throw new Error(message)
  return { bytes, message }
}

function textOf(message: StunMessage, type: number): string {
  return Buffer.from(findAttribute(message, type)!).toString()
}

function withZeroPadding(sample: Uint8Array): string {
  const copy = Buffer.from(sample)
  for (let at = 20; at < copy.length; at += 4 + ((copy.readUInt16BE(at + 2) + 3) & ~3)) {
    const length = copy.readUInt16BE(at + 2)
    copy.fill(0, at + 4 + length, at + 4 + ((length + 3) & ~3))
  }
  return copy.toString('hex')
}

function anyDatagram(): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: 120 })
}

/** A good message in which a few bytes are overwritten, so that every check of the parser is reached. */
function damagedMessage(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      transactionId,
      attributes,
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 3 }),
    )
    .map(([id, list, isProtected, damage]) => {
      const protect = isProtected ? { integrity: shortTerm, fingerprint: true } : {}
      const bytes = encodeStunMessage(BINDING_REQUEST, id, list, protect)
      for (const [at, value] of damage) bytes[at % bytes.length] = value
      return bytes
    })
}

/** RFC 8489 section 14.9; not part of the registry, for ICE has no realms. */
const REALM = 0x0014
