/** The flows of the benchmark as the load generator reads them: each begins with a real check, whose ufrag is sealed. */

import { concatBytes, utf8, writeU16 } from '#shared/bytes'
import { epochNow } from '#shared/platform/clock'
import { aesBlockCipher, hmacSha1 } from '#shared/platform/crypto'
import { priority, username } from '#shared/stun/attributes'
import { encodeStunMessage } from '#shared/stun/message'
import { BINDING_REQUEST } from '#shared/stun/registry'
import { minutesOf, mintUfrag, RouteKeyRing } from '#shared/ufrag/route'

/** Encodes `count` flows to the transceiver 1 of cluster 1; with `isChecked`, each sends a check first. */
export function encodeFlows(count: number, routeKey: Uint8Array, isChecked: boolean): Uint8Array {
  const head = concatBytes(u16(count), u16(isChecked ? 1 : 0), u16(0))
  if (!isChecked) return head
  const keys = new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(routeKey) }], 0)
  const checks = Array.from({ length: count }, (_, session) => encodeCheck(session, keys))
  return concatBytes(head, ...checks.flatMap((check) => [u16(check.length), check]))
}

function encodeCheck(session: number, keys: RouteKeyRing): Uint8Array {
  const expiryMinutes = (minutesOf(epochNow()) + 60) & 0xffff
  const ufrag = mintUfrag({ cluster: 1, transceiver: 1, session, expiryMinutes, flags: 0 }, keys)
  const transactionId = new Uint8Array(12)
  writeU16(transactionId, 0, session)
  const attributes = [username(`${ufrag}:EsAw`), priority(1)]
  const protection = { integrity: hmacSha1(utf8('password')), fingerprint: true }
  return encodeStunMessage(BINDING_REQUEST, transactionId, attributes, protection)
}

function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  writeU16(bytes, 0, value)
  return bytes
}
