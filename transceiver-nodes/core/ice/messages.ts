/** The STUN messages of the ICE agent: RFC 8445 section 7, with the NOMINATION attribute of draft-thatcher-ice-renomination-01. */

import {
  errorCode,
  iceControlled,
  iceControlling,
  nomination,
  priority,
  unknownAttributes,
  useCandidate,
  username,
  xorMappedClient,
} from '#shared/stun/attributes'
import type { Hmac } from '#shared/stun/integrity'
import { encodeStunMessage } from '#shared/stun/message'
import type { StunAttribute, StunMessage } from '#shared/stun/message'
import {
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_PRIORITY,
  ATTRIBUTE_USE_CANDIDATE,
  ATTRIBUTE_USERNAME,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  ERROR_UNKNOWN_ATTRIBUTE,
  isComprehensionRequired,
} from '#shared/stun/registry'

/** What one of our checks says. */
export interface BindingRequest {
  readonly username: string
  readonly mac: Hmac
  readonly tieBreaker: Uint8Array
  readonly isControlling: boolean
  /** Nominates the path, with this number; undefined: an ordinary check. */
  readonly nomination: number | undefined
}

/** Encodes a connectivity check. */
export function bindingRequest(transactionId: Uint8Array, request: BindingRequest): Uint8Array {
  const attributes: StunAttribute[] = [
    username(request.username),
    request.isControlling ? iceControlling(request.tieBreaker) : iceControlled(request.tieBreaker),
    priority(PEER_REFLEXIVE_PRIORITY),
  ]
  if (request.nomination !== undefined) attributes.push(useCandidate(), nomination(request.nomination))
  return encodeStunMessage(BINDING_REQUEST, transactionId, attributes, {
    integrity: request.mac,
    fingerprint: true,
  })
}

/** Encodes the answer to a verified check; the mapped address is the client's, as its relay saw it. */
export function bindingSuccess(request: StunMessage, client: Int32Array, mac: Hmac): Uint8Array {
  const attributes = [xorMappedClient(client, 0, request.transactionId)]
  return encodeStunMessage(BINDING_SUCCESS, request.transactionId, attributes, {
    integrity: mac,
    fingerprint: true,
  })
}

/** Encodes the refusal of a check with comprehension-required attributes that we do not know: RFC 8489 section 6.3.1. */
export function unknownAttributesError(
  request: StunMessage,
  types: readonly number[],
  mac: Hmac,
): Uint8Array {
  const attributes = [errorCode(ERROR_UNKNOWN_ATTRIBUTE, 'Unknown Attribute'), unknownAttributes(types)]
  return encodeStunMessage(BINDING_ERROR, request.transactionId, attributes, {
    integrity: mac,
    fingerprint: true,
  })
}

/** Lists the comprehension-required attributes of a check that we do not know. */
export function unknownRequired(request: StunMessage): number[] {
  return request.attributes
    .map(({ type }) => type)
    .filter((type) => isComprehensionRequired(type) && !KNOWN_REQUIRED.has(type))
}

const KNOWN_REQUIRED: ReadonlySet<number> = new Set([
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_PRIORITY,
  ATTRIBUTE_USE_CANDIDATE,
])

/** RFC 8445 section 5.1.2.1 with type preference 110 (peer-reflexive), the highest local preference, component 1. */
const PEER_REFLEXIVE_PRIORITY = 110 * 2 ** 24 + 65535 * 2 ** 8 + 255
