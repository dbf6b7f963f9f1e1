/**
 * The routing ufrag: a route to one session, sealed into 22 ice-chars. docs/routing-ufrag.md.
 *
 *     132 bits     | key id 4 | AES-128 block 128 |
 *     the block    | cluster 12 | transceiver 20 | session 32 | expiry 16 | flags 8 | zero 40 |
 *
 * Any block decrypts to something: the 40 zero bits are what tells ours from a forged one. The expiry counts
 * minutes modulo 2^16 and is compared within half that range. Key id 15 marks a ufrag as somebody else's.
 */

import { fromUtf8, readI32, readU16, readU32, readU8, utf8, writeU16, writeU32 } from '#shared/bytes'
import type { EpochSeconds } from '#shared/time'
import { iceCharOf, sextetOf } from './ice-char.ts'

/** A cipher under a fixed key that works in place on exactly 16 bytes. */
export interface BlockCipher {
  encryptBlock(block: Uint8Array): void
  decryptBlock(block: Uint8Array): void
}

/** Where a session lives and until when; each field is an unsigned number of the width given. */
export interface Route {
  /** 12 bits. */
  readonly cluster: number
  /** 20 bits, unique in the cluster. */
  readonly transceiver: number
  /** 32 bits, chosen by the transceiver. */
  readonly session: number
  /** 16 bits: the last minute in which the route is valid, as `minutesOf` counts. */
  readonly expiryMinutes: number
  /** 8 bits, the transceiver's own. */
  readonly flags: number
}

/** A key that seals routes, and the id (0 to 14) under which relays know it. */
export interface RouteKey {
  readonly id: number
  readonly cipher: BlockCipher
}

/** Why a ufrag is no route. */
export type RouteFault =
  | 'ufrag-length'
  | 'ufrag-alphabet'
  | 'ufrag-not-ours'
  | 'ufrag-unknown-key'
  | 'ufrag-forged'
  | 'ufrag-expired'

/** Characters of a routing ufrag. */
export const UFRAG_LENGTH = 22

/** The longest life that the expiry can express: half of its range, about 22 days. */
export const MAX_LIFE_MINUTES = 0x7fff

/** The keys that open ufrags, and the one that seals new ones. */
export class RouteKeyRing {
  readonly mintingKey: RouteKey
  readonly #ciphers: (BlockCipher | undefined)[] = Array.from({ length: KEY_ID_NOT_OURS })

  /** Throws a `RangeError` for an id outside 0 to 14, an id given twice, or a `mintWith` that is not in `keys`. */
  constructor(keys: readonly RouteKey[], mintWith: number) {
    for (const { id, cipher } of keys) {
      if (!isUnsigned(id, 4) || id === KEY_ID_NOT_OURS)
        throw new RangeError(`route key id ${id} is not in 0..14`)
      if (this.#ciphers[id] !== undefined) throw new RangeError(`route key id ${id} is given twice`)
      this.#ciphers[id] = cipher
    }
    const mintingKey = keys.find((key) => key.id === mintWith)
    if (mintingKey === undefined) throw new RangeError(`there is no route key ${mintWith} to mint with`)
    this.mintingKey = mintingKey
  }

  /** Returns the cipher known under `id`. */
  cipherOf(id: number): BlockCipher | undefined {
    return this.#ciphers[id]
  }
}

/** Seals `route` under the ring's minting key; throws a `RangeError` if a field does not fit its width. */
export function mintUfrag(route: Route, ring: RouteKeyRing): string {
  const block = new Uint8Array(BLOCK_BYTES)
  writeRoute(block, route)
  ring.mintingKey.cipher.encryptBlock(block)
  return packUfrag(ring.mintingKey.id, block)
}

/** Opens ufrags where they lie, one after the other; after a `read` without fault the fields hold the route. */
export class RouteReader implements Route {
  cluster = 0
  transceiver = 0
  session = 0
  expiryMinutes = 0
  flags = 0
  readonly #ring: RouteKeyRing
  readonly #block = new Uint8Array(BLOCK_BYTES)

  constructor(ring: RouteKeyRing) {
    this.#ring = ring
  }

  /** Opens the ufrag of `length` characters at `start`; `nowMinutes` is what `minutesOf` gives now. */
  read(memory: Uint8Array, start: number, length: number, nowMinutes: number): RouteFault | undefined {
    if (length !== UFRAG_LENGTH) return 'ufrag-length'
    const keyId = unpackUfrag(memory, start, this.#block)
    if (keyId < 0) return 'ufrag-alphabet'
    if (keyId === KEY_ID_NOT_OURS) return 'ufrag-not-ours'
    const cipher = this.#ring.cipherOf(keyId)
    if (cipher === undefined) return 'ufrag-unknown-key'
    cipher.decryptBlock(this.#block)
    return this.#readBlock(nowMinutes)
  }

  #readBlock(nowMinutes: number): RouteFault | undefined {
    const block = this.#block
    if ((readU8(block, 11) | readI32(block, 12)) !== 0) return 'ufrag-forged'
    this.cluster = readU16(block, 0) >>> 4
    this.transceiver = readI32(block, 0) & 0xfffff
    this.session = readU32(block, 4)
    this.expiryMinutes = readU16(block, 8)
    this.flags = readU8(block, 10)
    return isExpired(this.expiryMinutes, nowMinutes) ? 'ufrag-expired' : undefined
  }
}

/** Opens a ufrag given as text. */
export function parseUfrag(text: string, ring: RouteKeyRing, nowMinutes: number): Route | RouteFault {
  if (text.length !== UFRAG_LENGTH) return 'ufrag-length'
  const reader = new RouteReader(ring)
  const fault = reader.read(utf8(text), 0, text.length, nowMinutes)
  if (fault !== undefined) return fault
  const { cluster, transceiver, session, expiryMinutes, flags } = reader
  return { cluster, transceiver, session, expiryMinutes, flags }
}

/** Returns the epoch minute of `now` modulo 2^16, the clock of `expiryMinutes`. */
export function minutesOf(now: EpochSeconds): number {
  return Math.floor(now / 60) % 0x10000
}

/** Returns the call id of the session that `ufrag` routes to: the same token in URL-safe characters. */
export function callIdOf(ufrag: string): string {
  return CALL_ID_PREFIX + ufrag.replaceAll('+', '-').replaceAll('/', '_')
}

/** Returns the ufrag that `callId` was made from; `undefined` if it is not a call id. Nothing is verified yet. */
export function ufragOf(callId: string): string | undefined {
  if (!CALL_ID.test(callId)) return undefined
  return callId.slice(CALL_ID_PREFIX.length).replaceAll('-', '+').replaceAll('_', '/')
}

function writeRoute(block: Uint8Array, route: Route): void {
  const { cluster, transceiver, session, expiryMinutes, flags } = route
  const fits =
    isUnsigned(cluster, 12) &&
    isUnsigned(transceiver, 20) &&
    isUnsigned(session, 32) &&
    isUnsigned(expiryMinutes, 16) &&
    isUnsigned(flags, 8)
  if (!fits) throw new RangeError(`a route does not fit its fields: ${JSON.stringify(route)}`)
  writeU32(block, 0, (cluster << 20) | transceiver)
  writeU32(block, 4, session)
  writeU16(block, 8, expiryMinutes)
  block[10] = flags
}

function isUnsigned(value: number, bits: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** bits
}

/** Character 0 holds the key id and 2 bits of the block, character 1 the rest of its first byte; then 4 make 3 bytes. */
function packUfrag(keyId: number, block: Uint8Array): string {
  const codes = new Uint8Array(UFRAG_LENGTH)
  codes[0] = iceCharOf((keyId << 2) | (readU8(block, 0) >>> 6))
  codes[1] = iceCharOf(readU8(block, 0))
  for (let at = 2, from = 1; from < BLOCK_BYTES; at += 4, from += 3) {
    const group = (readU8(block, from) << 16) | readU16(block, from + 1)
    for (let i = 0; i < 4; i++) codes[at + i] = iceCharOf(group >>> (18 - 6 * i))
  }
  return fromUtf8(codes) ?? ''
}

/** Undoes `packUfrag`; returns the key id, or -1 if a character is not an ice-char. */
function unpackUfrag(memory: Uint8Array, start: number, block: Uint8Array): number {
  const first = sextetOf(readU8(memory, start))
  const second = sextetOf(readU8(memory, start + 1))
  // A sextet is negative if any is -1, and stays so through every OR.
  let seen = first | second
  block[0] = (first << 6) | second
  for (let at = start + 2, to = 1; to < BLOCK_BYTES; at += 4, to += 3) {
    const a = sextetOf(readU8(memory, at))
    const b = sextetOf(readU8(memory, at + 1))
    const c = sextetOf(readU8(memory, at + 2))
    const d = sextetOf(readU8(memory, at + 3))
    seen |= a | b | c | d
    writeU16(block, to, (a << 10) | (b << 4) | (c >>> 2))
    block[to + 2] = (c << 6) | d
  }
  return seen < 0 ? -1 : first >>> 2
}

function isExpired(expiryMinutes: number, nowMinutes: number): boolean {
  return ((expiryMinutes - nowMinutes) & 0xffff) > MAX_LIFE_MINUTES
}

const BLOCK_BYTES = 16
const KEY_ID_NOT_OURS = 15
const CALL_ID_PREFIX = 'rtc_'
const CALL_ID = /^rtc_[A-Za-z0-9_-]{22}$/
