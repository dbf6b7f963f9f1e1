/**
 * A whole STUN message as a value, for the end that answers it. RFC 8489 sections 5 and 14.
 *
 * `StunView` decides what is well-formed and draws the layout. Meaning is left to the caller: which attributes
 * must be there, and whether the integrity holds (integrity.ts).
 */

import { readU16, writeU16, writeU32 } from '#shared/bytes'
import { fingerprintOf } from './integrity.ts'
import type { Hmac } from './integrity.ts'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  MAGIC_COOKIE,
  STUN_HEADER_BYTES,
  TRANSACTION_ID_BYTES,
  TRANSACTION_ID_START,
} from './registry.ts'
import {
  ATTRIBUTE_HEADER_BYTES,
  FINGERPRINT_BYTES,
  isIntegrity,
  MESSAGE_INTEGRITY_BYTES,
  paddedLength,
  StunView,
} from './view.ts'
import type { StunFault } from './view.ts'

/** One attribute: its type, and its value without padding. */
export interface StunAttribute {
  readonly type: number
  readonly value: Uint8Array
}

/** One message; its arrays show the bytes it was parsed from. */
export interface StunMessage {
  readonly type: number
  readonly transactionId: Uint8Array
  readonly attributes: readonly StunAttribute[]
}

/** What protects a message: a MESSAGE-INTEGRITY, a FINGERPRINT, both, or nothing. */
export interface StunProtection {
  readonly integrity?: Hmac
  readonly fingerprint?: boolean
}

/** Parses one datagram; attributes behind MESSAGE-INTEGRITY, but for FINGERPRINT, are dropped. */
export function parseStunMessage(bytes: Uint8Array): StunMessage | StunFault {
  const view = new StunView()
  const fault = view.read(bytes, 0, bytes.length)
  if (fault !== undefined) return fault
  return {
    type: view.messageType,
    transactionId: bytes.subarray(TRANSACTION_ID_START, STUN_HEADER_BYTES),
    attributes: readAttributes(bytes),
  }
}

/** Encodes a message; throws a `RangeError` if the transaction id has not 12 bytes or the whole is too long. */
export function encodeStunMessage(
  type: number,
  transactionId: Uint8Array,
  attributes: readonly StunAttribute[],
  protect: StunProtection,
): Uint8Array {
  if (transactionId.length !== TRANSACTION_ID_BYTES) throw new RangeError('a transaction id has 12 bytes')
  const { integrity, fingerprint = false } = protect
  let length = STUN_HEADER_BYTES
  for (const { value } of attributes) length += ATTRIBUTE_HEADER_BYTES + paddedLength(value.length)
  const integrityBytes = integrity === undefined ? 0 : ATTRIBUTE_HEADER_BYTES + MESSAGE_INTEGRITY_BYTES
  const fingerprintBytes = fingerprint ? ATTRIBUTE_HEADER_BYTES + FINGERPRINT_BYTES : 0
  const message = new Uint8Array(length + integrityBytes + fingerprintBytes)
  writeU16(message, 0, type)
  writeU32(message, 4, MAGIC_COOKIE)
  message.set(transactionId, TRANSACTION_ID_START)
  let at = STUN_HEADER_BYTES
  for (const attribute of attributes) at = writeAttribute(message, at, attribute.type, attribute.value)
  writeLength(message, length)
  if (integrity !== undefined) at = writeIntegrity(message, at, integrity)
  if (fingerprint) writeFingerprint(message, at)
  return message
}

/** Returns the value of the first attribute of `type`. */
export function findAttribute(message: StunMessage, type: number): Uint8Array | undefined {
  return message.attributes.find((attribute) => attribute.type === type)?.value
}

function readAttributes(bytes: Uint8Array): StunAttribute[] {
  const attributes: StunAttribute[] = []
  let isSealed = false
  for (let at = STUN_HEADER_BYTES; at < bytes.length;) {
    const type = readU16(bytes, at)
    const start = at + ATTRIBUTE_HEADER_BYTES
    const length = readU16(bytes, at + 2)
    if (!isSealed || type === ATTRIBUTE_FINGERPRINT)
      attributes.push({ type, value: bytes.subarray(start, start + length) })
    isSealed ||= isIntegrity(type)
    at = start + paddedLength(length)
  }
  return attributes
}

/** Returns where the next attribute goes. */
function writeAttribute(message: Uint8Array, at: number, type: number, value: Uint8Array): number {
  writeU16(message, at, type)
  writeU16(message, at + 2, value.length)
  message.set(value, at + ATTRIBUTE_HEADER_BYTES)
  return at + ATTRIBUTE_HEADER_BYTES + paddedLength(value.length)
}

/** The HMAC covers a header whose length already counts MESSAGE-INTEGRITY, RFC 8489 section 14.5. */
function writeIntegrity(message: Uint8Array, at: number, hmac: Hmac): number {
  writeLength(message, at + ATTRIBUTE_HEADER_BYTES + MESSAGE_INTEGRITY_BYTES)
  return writeAttribute(message, at, ATTRIBUTE_MESSAGE_INTEGRITY, hmac(message.subarray(0, at)))
}

/** The CRC covers a header whose length already counts FINGERPRINT, RFC 8489 section 14.7. */
function writeFingerprint(message: Uint8Array, at: number): void {
  writeLength(message, at + ATTRIBUTE_HEADER_BYTES + FINGERPRINT_BYTES)
  writeAttribute(message, at, ATTRIBUTE_FINGERPRINT, fingerprintOf(message.subarray(0, at)))
}

function writeLength(message: Uint8Array, messageBytes: number): void {
  const length = messageBytes - STUN_HEADER_BYTES
  if (length > 0xffff) throw new RangeError(`a STUN message of ${messageBytes} bytes is too long`)
  writeU16(message, 2, length)
}
