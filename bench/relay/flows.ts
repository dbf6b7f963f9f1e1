/**
 * The flows of the benchmark, as the load generator reads them: how many there are, what each sends first, and what
 * stands in front of its packets.
 */

import { concatBytes, utf8, writeU16 } from '#shared/bytes'
import { epochNow } from '#shared/platform/clock'
import { aesBlockCipher, hmacSha1 } from '#shared/platform/crypto'
import { priority, username, xorMappedAddress } from '#shared/stun/attributes'
import { encodeStunMessage } from '#shared/stun/message'
import { BINDING_REQUEST } from '#shared/stun/registry'
import { minutesOf, mintUfrag, RouteKeyRing } from '#shared/ufrag/route'

/** Encodes flows to the transceiver 1 of cluster 1: each sends a check, whose ufrag is sealed, and then packets. */
export function encodeCheckedFlows(count: number, routeKey: Uint8Array): Uint8Array {
  const keys = new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(routeKey) }], 0)
  return encodeFlows(count, 1, (flow) => [encodeCheck(flow, keys)])
}

/** Encodes flows that send packets and nothing else. */
export function encodePlainFlows(count: number): Uint8Array {
  return encodeFlows(count, 0, () => [])
}

/** Encodes flows through a TURN server to a peer: an allocation, a channel, and ChannelData of `packetBytes`, RFC 8656. */
export function encodeTurnFlows(count: number, peerPort: number, packetBytes: number): Uint8Array {
  const prefix = concatBytes(u16(TURN_CHANNEL), u16(packetBytes))
  return encodeFlows(count, 2, (flow) => encodeAllocation(flow, peerPort), prefix)
}

function encodeFlows(
  count: number,
  requestsPerFlow: number,
  requestsOf: (flow: number) => readonly Uint8Array[],
  prefix: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const requests = Array.from({ length: count }, (_, flow) => requestsOf(flow)).flat()
  return concatBytes(
    ...[count, requestsPerFlow, prefix.length].map(u16),
    prefix,
    ...requests.flatMap((request) => [u16(request.length), request]),
  )
}

function encodeCheck(session: number, keys: RouteKeyRing): Uint8Array {
  const expiryMinutes = (minutesOf(epochNow()) + 60) & 0xffff
  const ufrag = mintUfrag({ cluster: 1, transceiver: 1, session, expiryMinutes, flags: 0 }, keys)
  const attributes = [username(`${ufrag}:EsAw`), priority(1)]
  const protection = { integrity: hmacSha1(utf8('password')), fingerprint: true }
  return encodeStunMessage(BINDING_REQUEST, transactionIdOf(session, 0), attributes, protection)
}

function encodeAllocation(flow: number, peerPort: number): Uint8Array[] {
  const transport = { type: TURN_REQUESTED_TRANSPORT, value: Uint8Array.of(IPPROTO_UDP, 0, 0, 0) }
  const channel = { type: TURN_CHANNEL_NUMBER, value: concatBytes(u16(TURN_CHANNEL), u16(0)) }
  const peerAddress = xorMappedAddress({ address: '127.0.0.1', port: peerPort }, transactionIdOf(flow, 1))
  const peer = { type: TURN_XOR_PEER_ADDRESS, value: peerAddress.value }
  return [
    encodeStunMessage(TURN_ALLOCATE, transactionIdOf(flow, 0), [transport], {}),
    encodeStunMessage(TURN_CHANNEL_BIND, transactionIdOf(flow, 1), [channel, peer], {}),
  ]
}

function transactionIdOf(flow: number, request: number): Uint8Array {
  const id = new Uint8Array(12)
  writeU16(id, 0, flow)
  writeU16(id, 2, request)
  return id
}

function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  writeU16(bytes, 0, value)
  return bytes
}

/** RFC 8656 sections 17 and 18; the first channel, section 12. */
const TURN_ALLOCATE = 0x0003
const TURN_CHANNEL_BIND = 0x0009
const TURN_CHANNEL_NUMBER = 0x000c
const TURN_XOR_PEER_ADDRESS = 0x0012
const TURN_REQUESTED_TRANSPORT = 0x0019
const TURN_CHANNEL = 0x4000
const IPPROTO_UDP = 17
