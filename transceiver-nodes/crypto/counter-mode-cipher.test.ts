import { expect, test } from 'vitest'
import { fromHex, toHex } from '#shared/bytes'
import { CounterModeCipher } from './counter-mode-cipher.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { deriveSessionKeys } from './srtp-keys.ts'

test('makes the keystream of RFC 3711 appendix B.2, to its last block', () => {
  const memory = new PacketMemory(HEADER_BYTES + 0xff02 * BLOCK_BYTES + 10)
  const cipherKey = fromHex('2B7E151628AED2A6ABF7158809CF4F3C')!
  const salt = fromHex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD')!
  const cipher = new CounterModeCipher(memory, { cipherKey, salt, authKey: new Uint8Array(20) })
  memory.bytes[0] = 0x80
  expect(cipher.sealRtp(0, HEADER_BYTES, memory.bytes.length - 10, 0)).toBe(true)
  const block = (counter: number): string => {
    const at = HEADER_BYTES + counter * BLOCK_BYTES
    return toHex(memory.bytes.subarray(at, at + BLOCK_BYTES))
  }
  expect(block(0)).toBe('e03ead0935c95e80e166b16dd92b4eb4')
  expect(block(1)).toBe('d23513162b02d0f72a43a2fe4a5f97ab')
  expect(block(2)).toBe('41e95b3bb0a2e8dd477901e4fca894c0')
  expect(block(0xfeff)).toBe('ec8cdf7398607cb0f2d21675ea9ea1e4')
  expect(block(0xff00)).toBe('362b7c3c6773516318a077d7fc5073ae')
  expect(block(0xff01)).toBe('6a2cc3787889374fbeb4c81b17ba6c44')
  cipher.close()
})

test('protects and opens the packets of libsrtp', () => {
  const key = fromHex('e1f97a0d3e018be0d64fa32c06de4139')!
  const salt = fromHex('0ec675ad498afeebb6960b3aabe6')!
  const memory = new PacketMemory(100)
  const rtp = new CounterModeCipher(memory, deriveSessionKeys('aes128-cm-sha1-80', key, salt, 'rtp'))
  const rtcp = new CounterModeCipher(memory, deriveSessionKeys('aes128-cm-sha1-80', key, salt, 'rtcp'))
  memory.bytes.set(fromHex(PLAIN_RTP)!)
  expect(rtp.sealRtp(0, HEADER_BYTES, 28, 0x1234)).toBe(true)
  expect(toHex(memory.bytes.subarray(0, 38))).toBe(SEALED_RTP)
  expect(rtp.openRtp(0, HEADER_BYTES, 28, 0x1234)).toBe(true)
  expect(toHex(memory.bytes.subarray(0, 28))).toBe(PLAIN_RTP)
  memory.bytes.set(fromHex(PLAIN_RTCP)!)
  expect(rtcp.sealRtcp(0, 24, 1)).toBe(true)
  expect(toHex(memory.bytes.subarray(0, 38))).toBe(SEALED_RTCP)
  expect(rtcp.openRtcp(0, 24, 1, true)).toBe(true)
  expect(toHex(memory.bytes.subarray(0, 24))).toBe(PLAIN_RTCP)
  rtp.close()
  rtcp.close()
})

const HEADER_BYTES = 12
const BLOCK_BYTES = 16

/** The reference packets of libsrtp's driver, `srtp_validate` in test/srtp_driver.c. */
const PLAIN_RTP = `800f1234decafbadcafebabe${'ab'.repeat(16)}`
const SEALED_RTP = '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb'
const PLAIN_RTCP = `81c8000bcafebabe${'ab'.repeat(16)}`
const SEALED_RTCP = '81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798'
