/**
 * The numbers of STUN that ICE uses, under the names of IANA's "STUN Parameters" registry.
 *
 * Attributes of TURN, of NAT behaviour discovery and of the long-term credential mechanism are left out.
 */

/** Fixed value of header bytes 4 to 7, RFC 8489 section 5. */
export const MAGIC_COOKIE = 0x2112a442

/** Bytes of the header, of the transaction id in it, and where that starts, RFC 8489 section 5. */
export const STUN_HEADER_BYTES = 20
export const TRANSACTION_ID_BYTES = 12
export const TRANSACTION_ID_START = 8

/** Message types of the Binding method (0x001) in each class, RFC 8489 section 5. */
export const BINDING_REQUEST = 0x0001
export const BINDING_INDICATION = 0x0011
export const BINDING_SUCCESS = 0x0101
export const BINDING_ERROR = 0x0111

/** Comprehension-required attributes (below 0x8000, RFC 8489 section 14). */
export const ATTRIBUTE_USERNAME = 0x0006 // RFC 8489 section 14.3
export const ATTRIBUTE_MESSAGE_INTEGRITY = 0x0008 // RFC 8489 section 14.5
export const ATTRIBUTE_ERROR_CODE = 0x0009 // RFC 8489 section 14.8
export const ATTRIBUTE_UNKNOWN_ATTRIBUTES = 0x000a // RFC 8489 section 14.13
export const ATTRIBUTE_MESSAGE_INTEGRITY_SHA256 = 0x001c // RFC 8489 section 14.6
export const ATTRIBUTE_XOR_MAPPED_ADDRESS = 0x0020 // RFC 8489 section 14.2
export const ATTRIBUTE_PRIORITY = 0x0024 // RFC 8445 section 16.1
export const ATTRIBUTE_USE_CANDIDATE = 0x0025 // RFC 8445 section 16.1

/** Comprehension-optional attributes (from 0x8000 on, RFC 8489 section 14). */
export const ATTRIBUTE_SOFTWARE = 0x8022 // RFC 8489 section 14.14
export const ATTRIBUTE_FINGERPRINT = 0x8028 // RFC 8489 section 14.7
export const ATTRIBUTE_ICE_CONTROLLED = 0x8029 // RFC 8445 section 16.1
export const ATTRIBUTE_ICE_CONTROLLING = 0x802a // RFC 8445 section 16.1

/** Renomination as libwebrtc speaks it, draft-thatcher-ice-renomination-01; IANA knows the number by another name. */
export const ATTRIBUTE_NOMINATION = 0xc001

/** Network id and cost, 16 bits each, in the checks of libwebrtc (draft-thatcher-ice-network-cost-00). */
export const ATTRIBUTE_GOOG_NETWORK_INFO = 0xc057

/** DTLS inside STUN and its acknowledgement, draft-hancke-webrtc-sped-00; not yet registered. */
export const ATTRIBUTE_META_DTLS_IN_STUN = 0xc070
export const ATTRIBUTE_META_DTLS_IN_STUN_ACKNOWLEDGEMENT = 0xc071

/** Error codes: RFC 8489 section 14.8 and, for the role conflict, RFC 8445 section 16.2. */
export const ERROR_UNKNOWN_ATTRIBUTE = 420
export const ERROR_ROLE_CONFLICT = 487

/** Tells whether an agent that does not know `attribute` must refuse its message, RFC 8489 section 14. */
export function isComprehensionRequired(attribute: number): boolean {
  return attribute < 0x8000
}
