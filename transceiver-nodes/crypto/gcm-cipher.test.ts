import { expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '#shared/bytes'
import { GcmCipher } from './gcm-cipher.ts'
import { PacketMemory } from '#shared/platform/packet-memory'

test('protects and opens the RTP packet of RFC 7714 section 16.1', () => {
  const { memory, sealing, opening } = ciphers()
  memory.bytes.set(fromHex(PLAIN_RTP)!, AT)
  expect(sealing.sealRtp(AT, 12, 50, 0xf17b)).toBe(true)
  expect(toHex(memory.bytes.subarray(AT, AT + 66))).toBe(SEALED_RTP)
  expect(opening.openRtp(AT, 12, 50, 0xf17b)).toBe(true)
  expect(toHex(memory.bytes.subarray(AT, AT + 50))).toBe(PLAIN_RTP)
})

test('protects and opens the RTCP packet of RFC 7714 section 17.1', () => {
  const { memory, sealing, opening } = ciphers()
  memory.bytes.set(fromHex(PLAIN_RTCP)!, AT)
  expect(sealing.sealRtcp(AT, 52, 0x5d4)).toBe(true)
  expect(toHex(memory.bytes.subarray(AT, AT + 72))).toBe(SEALED_RTCP)
  expect(opening.openRtcp(AT, 52, 0x5d4, true)).toBe(true)
  expect(toHex(memory.bytes.subarray(AT, AT + 52))).toBe(PLAIN_RTCP)
})

test('opens the RTCP packet of RFC 7714 section 17.3, which is not encrypted', () => {
  const { memory, opening } = ciphers()
  memory.bytes.set(fromHex(TAGGED_RTCP)!, AT)
  expect(opening.openRtcp(AT, 52, 0x5d4, false)).toBe(true)
  expect(toHex(memory.bytes.subarray(AT, AT + 52))).toBe(PLAIN_RTCP)
  memory.bytes.set(fromHex(TAGGED_RTCP)!, AT)
  memory.bytes[AT + 20]! ^= 1
  expect(opening.openRtcp(AT, 52, 0x5d4, false)).toBe(false)
})

test('works with the key of each session in turn, and with none once it is closed', () => {
  const { memory, sealing, opening } = ciphers()
  const other = new GcmCipher(memory, {
    cipherKey: new Uint8Array(16).fill(7),
    salt: utf8('quo pro Quid'),
    authKey: NONE,
  })
  memory.bytes.set(fromHex(PLAIN_RTP)!, AT)
  expect(other.sealRtp(AT, 12, 50, 0xf17b)).toBe(true)
  expect(opening.openRtp(AT, 12, 50, 0xf17b)).toBe(false)
  memory.bytes.set(fromHex(PLAIN_RTP)!, AT)
  expect(sealing.sealRtp(AT, 12, 50, 0xf17b)).toBe(true)
  expect(toHex(memory.bytes.subarray(AT, AT + 66))).toBe(SEALED_RTP)
  sealing.close()
  memory.bytes.set(fromHex(PLAIN_RTP)!, AT)
  sealing.sealRtp(AT, 12, 50, 0xf17b)
  expect(toHex(memory.bytes.subarray(AT, AT + 66))).not.toBe(SEALED_RTP)
})

test('refuses a key of another length', () => {
  const keys = { cipherKey: new Uint8Array(32), salt: utf8('Quid pro quo'), authKey: NONE }
  expect(() => new GcmCipher(new PacketMemory(1), keys)).toThrow(RangeError)
})

/** Keyed with the session key and salt of RFC 7714 section 16, which the RFC does not derive from a master key. */
function ciphers(): { memory: PacketMemory; sealing: GcmCipher; opening: GcmCipher } {
  const memory = new PacketMemory(200)
  const cipherKey = fromHex('000102030405060708090a0b0c0d0e0f')!
  const keys = { cipherKey, salt: utf8('Quid pro quo'), authKey: NONE }
  return {
    memory,
    sealing: new GcmCipher(memory, keys),
    opening: new GcmCipher(memory, keys),
  }
}

const NONE = new Uint8Array(0)
/** Not at the front of the memory: the offset must not matter. */
const AT = 33

const PLAIN_RTP = `8040f17b8041f8d35501a0b2${toHex(utf8('Gallia est omnis divisa in partes tres'))}`
const SEALED_RTP =
  '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833' +
  '899d7f27beb16a9152cf765ee4390cce'

const RTCP_BODY = `4e5450314e545032525450200000042a0000e9304c756e61${'deadbeef'.repeat(5)}`
const PLAIN_RTCP = `81c8000d4d617273${RTCP_BODY}`
const SEALED_RTCP =
  '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b' +
  'c84aa45896cf4d2fc5abf87245d9eade800005d4'
const TAGGED_RTCP = `${PLAIN_RTCP}841dd9683dd78ec92ae58790125f62b3000005d4`
