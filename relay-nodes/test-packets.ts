/** Packets as clients and transceivers send them, for the tests of this folder. */

import { concatBytes, utf8 } from '#shared/bytes'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import type { Client, Endpoint } from '#shared/endpoint'
import {
  LINK_COOKIE_BYTES,
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  LinkReader,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
  writeLinkHeader,
} from '#shared/link/frame'
import { aesBlockCipher, hmacSha1 } from '#shared/platform/crypto'
import { priority, username } from '#shared/stun/attributes'
import { encodeStunMessage } from '#shared/stun/message'
import { BINDING_REQUEST, BINDING_SUCCESS } from '#shared/stun/registry'
import { epochSecondsOf } from '#shared/time'
import { minutesOf, mintUfrag, RouteKeyRing } from '#shared/ufrag/route'
import type { Route } from '#shared/ufrag/route'

/** A wall clock for tests that have none. */
export const EPOCH = epochSecondsOf(1_800_000_000)

/** The keys under which the ufrags of the tests are sealed. */
export const ROUTE_KEYS = new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(new Uint8Array(16)) }], 0)

/** Mints a ufrag that leads to a transceiver for an hour. */
export function ufragTo(
  transceiver: { readonly cluster: number; readonly transceiver: number },
  keys = ROUTE_KEYS,
) {
  const { cluster, transceiver: id } = transceiver
  const route: Route = {
    cluster,
    transceiver: id,
    session: 7,
    expiryMinutes: minutesOf(EPOCH) + 60,
    flags: 0,
  }
  return mintUfrag(route, keys)
}

/** Encodes a check as a browser sends it. */
export function bindingRequest(ufrag: string, password = 'password'): Uint8Array {
  return encodeStunMessage(BINDING_REQUEST, TRANSACTION_ID, [username(`${ufrag}:EsAw`), priority(1)], {
    integrity: hmacSha1(utf8(password)),
    fingerprint: true,
  })
}

/** Encodes an answer to a check, which carries no route. */
export function bindingResponse(): Uint8Array {
  return encodeStunMessage(BINDING_SUCCESS, TRANSACTION_ID, [], { fingerprint: true })
}

/** Makes a packet of `length` bytes that classifies as DTLS. */
export function dtlsPacket(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? 22 : i))
}

/** Makes a packet of `length` bytes that classifies as RTP. */
export function rtpPacket(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? 0x80 : i === 1 ? 111 : i))
}

/** Returns the words of a client; UDP and listener 0 unless said otherwise. */
export function clientWords(client: Endpoint & Partial<Client>): Int32Array {
  const words = new Int32Array(ENDPOINT_WORDS)
  if (!writeClient(words, 0, { listener: 0, transport: 'udp', ...client }))
    throw new TypeError('not an address')
  return words
}

/** A frame with its client as a value. */
export interface TestFrame {
  readonly client: Endpoint & Partial<Client>
  readonly flags: number
  readonly payload: Uint8Array
}

/** Encodes a data datagram of the link. */
export function linkDatagram(cookie: Uint8Array, ...frames: readonly TestFrame[]): Uint8Array {
  const header = new Uint8Array(LINK_HEADER_BYTES)
  writeLinkHeader(header, 0, LINK_TYPE_DATA, cookie)
  return concatBytes(header, ...frames.map(encodeFrame))
}

/** Decodes a data datagram of the link; throws if it is not one. */
export function parseLinkDatagram(datagram: Uint8Array): { cookie: Uint8Array; frames: TestFrame[] } {
  const reader = new LinkReader()
  const fault = reader.open(datagram, 0, datagram.length)
  if (fault !== undefined) throw new TypeError(fault)
  const frames: TestFrame[] = []
  while (reader.next()) {
    const payload = datagram.slice(reader.payloadStart, reader.payloadStart + reader.payloadLength)
    frames.push({ client: readClient(reader.client, 0), flags: reader.flags, payload })
  }
  if (reader.fault !== undefined) throw new TypeError(reader.fault)
  return { cookie: datagram.slice(reader.cookieStart, reader.cookieStart + LINK_COOKIE_BYTES), frames }
}

function encodeFrame({ client, flags, payload }: TestFrame): Uint8Array {
  const header = new Uint8Array(MAX_FRAME_HEADER_BYTES)
  const length = writeFrameHeader(header, 0, clientWords(client), 0, flags, payload.length)
  return concatBytes(header.subarray(0, length), payload)
}

const TRANSACTION_ID = Uint8Array.from({ length: 12 }, (_, i) => i)
