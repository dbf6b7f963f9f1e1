/** STUN: the view, the message, its attributes and its proofs (`shared/stun`). */

import { readFileSync } from 'node:fs'
import { fromHex, utf8, writeU16 } from '#shared/bytes'
import { hmacSha1 } from '#shared/platform/crypto'
import { readErrorCode, readNumber, readXorMappedAddress, xorMappedAddress } from '#shared/stun/attributes'
import { checkFingerprint, checkIntegrity } from '#shared/stun/integrity'
import { encodeStunMessage, findAttribute, parseStunMessage } from '#shared/stun/message'
import type { StunMessage } from '#shared/stun/message'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  BINDING_SUCCESS,
  STUN_HEADER_BYTES,
} from '#shared/stun/registry'
import { StunView } from '#shared/stun/view'
import { datagramVectors, STUN_VECTORS } from '../../datagram-vectors.ts'
import { readAmongOthers } from '../among-others.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const stun: FuzzTarget = {
  name: 'stun',
  shares: 2,
  maxBytes: 1_500,
  seeds: () => [...rfc5769Messages(), ...STUN_VECTORS.flatMap(datagramVectors), ipv6Response()],
  repair: withLength,
  run(input) {
    const seen = readAmongOthers(input, readView)
    const message = parseStunMessage(input)
    if (typeof message === 'string') {
      mustEqual(seen, message, 'view and message differ about the form')
      mustEqual(checkIntegrity(input, mac), 'wrong', 'a malformed message has an integrity')
      mustEqual(checkFingerprint(input), 'wrong', 'a malformed message has a fingerprint')
      return message
    }
    mustHold(typeof seen === 'object', 'view and message differ about the form')
    mustEqual(seen.username, findAttribute(message, ATTRIBUTE_USERNAME), 'USERNAME differs')
    mustEqual(seen.type, message.type, 'the type differs')
    readAttributes(message)
    mustEncodeAgain(message)
    const proofs = [checkIntegrity(input, mac), checkFingerprint(input)]
    mustEqual(proofs[0] === 'absent', !seen.hasIntegrity, 'MESSAGE-INTEGRITY is there or not')
    mustEqual(proofs[1] === 'absent', !seen.hasFingerprint, 'FINGERPRINT is there or not')
    return `message-${proofs.join('-')}${seen.ufragLength < 0 ? '' : '-ufrag'}`
  },
}

/** Makes the header's length that of the input, cut to whole words, so that attributes are read at all. */
export function withLength(input: Uint8Array): Uint8Array {
  const cut = input.slice(0, input.length & ~3)
  if (cut.length >= STUN_HEADER_BYTES) writeU16(cut, 2, cut.length - STUN_HEADER_BYTES)
  return cut
}

const view = new StunView()

function readView(memory: Uint8Array, start: number, length: number) {
  const fault = view.read(memory, start, length)
  if (fault !== undefined) return fault
  const { usernameStart, usernameLength, ufragLength, integrityStart, fingerprintStart } = view
  for (const at of [usernameStart, integrityStart, fingerprintStart]) {
    mustHold(at === -1 || (at > start && at < start + length + 1), 'an attribute lies outside the message')
  }
  mustHold(usernameStart + usernameLength <= start + length, 'USERNAME ends outside the message')
  mustHold(ufragLength < Math.max(usernameLength, 1), 'the ufrag ends outside USERNAME')
  return {
    type: view.messageType,
    username: usernameStart < 0 ? undefined : memory.slice(usernameStart, usernameStart + usernameLength),
    ufragLength,
    hasIntegrity: integrityStart >= 0,
    hasFingerprint: fingerprintStart >= 0,
  }
}

function readAttributes(message: StunMessage): void {
  for (const { type, value } of message.attributes) {
    readNumber(value)
    readErrorCode(value)
    const mapped = readXorMappedAddress(value, message.transactionId)
    if (type !== ATTRIBUTE_XOR_MAPPED_ADDRESS || mapped === undefined) continue
    const again = xorMappedAddress(mapped, message.transactionId)
    mustEqual(readXorMappedAddress(again.value, message.transactionId), mapped, 'an address differs')
  }
}

/** What was read of a message, encoded, reads the same; proofs are made anew and so are left out. */
function mustEncodeAgain(message: StunMessage): void {
  const attributes = message.attributes.filter(({ type }) => !PROOFS.has(type))
  const again = parseStunMessage(encodeStunMessage(message.type, message.transactionId, attributes, {}))
  mustEqual(again, { ...message, attributes }, 'a message encoded again differs')
}

function rfc5769Messages(): Uint8Array[] {
  const text = readFileSync(new URL('../../vectors/rfc5769.json', import.meta.url), 'utf8')
  return [...text.matchAll(/"hex": "([0-9a-f]+)"/g)].map(([, hex = '']) => fromHex(hex) ?? new Uint8Array())
}

function ipv6Response(): Uint8Array {
  const id = new Uint8Array(12).fill(7)
  const mapped = xorMappedAddress({ address: '2001:db8::7', port: 4_000 }, id)
  return encodeStunMessage(BINDING_SUCCESS, id, [mapped], { integrity: mac, fingerprint: true })
}

/** The password of RFC 5769 section 2. */
const mac = hmacSha1(utf8('VOkJxbRl1RmTxUk/WvJxBt'))

const PROOFS: ReadonlySet<number> = new Set([ATTRIBUTE_MESSAGE_INTEGRITY, ATTRIBUTE_FINGERPRINT])
