/**
 * Reads what routing needs from a STUN message where it lies, and checks the message's form.
 *
 *      0                   1                   2                   3
 *     |0 0|    message type (14)      |          length (16)          |
 *     |                         magic cookie (32)                     |
 *     |                       transaction id (96)                     |
 *     |        attribute type         |        value length           |  ... each padded to 4 bytes
 *
 * RFC 8489 sections 5, 6.3 and 14: unknown attributes are tolerated, of a repeated attribute the first counts,
 * behind MESSAGE-INTEGRITY only FINGERPRINT counts, and FINGERPRINT ends the message. Nothing is verified here.
 */

import { readI32, readU16, readU8 } from '#shared/bytes'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_USERNAME,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  MAGIC_COOKIE,
  STUN_HEADER_BYTES,
  TRANSACTION_ID_START,
} from './registry.ts'

/** Why a datagram is not a well-formed STUN message. */
export type StunFault =
  | 'stun-truncated'
  | 'stun-type'
  | 'stun-cookie'
  | 'stun-length'
  | 'stun-attribute'
  | 'stun-integrity'
  | 'stun-fingerprint'

/** One STUN message in somebody else's memory; `…Start` is the offset of a value, -1 if the attribute is absent. */
export class StunView {
  messageType = 0
  transactionStart = 0
  usernameStart = ABSENT
  usernameLength = 0
  /** Bytes of USERNAME before its first colon, the ufrag of the agent asked (RFC 8445 section 7.2.2); -1 without one. */
  ufragLength = ABSENT
  integrityStart = ABSENT
  fingerprintStart = ABSENT

  /** Reads the datagram of `length` bytes at `start`; after a fault the fields mean nothing. */
  read(memory: Uint8Array, start: number, length: number): StunFault | undefined {
    if (length < STUN_HEADER_BYTES) return 'stun-truncated'
    this.messageType = readU16(memory, start)
    if (this.messageType > MESSAGE_TYPE_LAST) return 'stun-type'
    if (readI32(memory, start + 4) !== MAGIC_COOKIE) return 'stun-cookie'
    if (length % 4 !== 0 || readU16(memory, start + 2) !== length - STUN_HEADER_BYTES) return 'stun-length'
    this.transactionStart = start + TRANSACTION_ID_START
    this.usernameStart = ABSENT
    this.usernameLength = 0
    this.ufragLength = ABSENT
    this.integrityStart = ABSENT
    this.fingerprintStart = ABSENT
    return this.#readAttributes(memory, start + STUN_HEADER_BYTES, start + length)
  }

  /** Whether the message is a Binding request, the only one that carries a route. */
  get isBindingRequest(): boolean {
    return this.messageType === BINDING_REQUEST
  }

  /** Whether the message answers a Binding request. */
  get isBindingResponse(): boolean {
    return this.messageType === BINDING_SUCCESS || this.messageType === BINDING_ERROR
  }

  #readAttributes(memory: Uint8Array, start: number, end: number): StunFault | undefined {
    let isSealed = false
    for (let at = start; at < end;) {
      const type = readU16(memory, at)
      const length = readU16(memory, at + 2)
      const value = at + ATTRIBUTE_HEADER_BYTES
      at = value + paddedLength(length)
      if (at > end) return 'stun-attribute'
      if (type === ATTRIBUTE_FINGERPRINT) {
        if (length !== FINGERPRINT_BYTES || at !== end) return 'stun-fingerprint'
        this.fingerprintStart = value
      }
      if (isSealed) continue
      if (type === ATTRIBUTE_MESSAGE_INTEGRITY) {
        if (length !== MESSAGE_INTEGRITY_BYTES) return 'stun-integrity'
        this.integrityStart = value
      }
      if (type === ATTRIBUTE_USERNAME && this.usernameStart < 0) this.#readUsername(memory, value, length)
      isSealed = isIntegrity(type)
    }
    return undefined
  }

  #readUsername(memory: Uint8Array, start: number, length: number): void {
    this.usernameStart = start
    this.usernameLength = length
    let i = 0
    while (i < length && readU8(memory, start + i) !== COLON) i++
    this.ufragLength = i < length ? i : ABSENT
  }
}

/** Tells whether `type` is an attribute behind which only FINGERPRINT counts, RFC 8489 sections 14.5 and 14.6. */
export function isIntegrity(type: number): boolean {
  return type === ATTRIBUTE_MESSAGE_INTEGRITY || type === ATTRIBUTE_MESSAGE_INTEGRITY_SHA256
}

/** Returns the bytes that a value of `length` bytes takes, RFC 8489 section 14. */
export function paddedLength(length: number): number {
  return (length + 3) & ~3
}

/** Type and length, RFC 8489 section 14. */
export const ATTRIBUTE_HEADER_BYTES = 4

/** HMAC-SHA-1, RFC 8489 section 14.5. */
export const MESSAGE_INTEGRITY_BYTES = 20

/** CRC-32, RFC 8489 section 14.7. */
export const FINGERPRINT_BYTES = 4

/** The two top bits of a message type are zero, RFC 8489 section 5. */
const MESSAGE_TYPE_LAST = 0x3fff

const COLON = 0x3a
const ABSENT = -1
