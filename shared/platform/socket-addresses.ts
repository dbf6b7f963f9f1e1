/**
 * The addresses of one socket: as the text that `node:dgram` speaks, and as the words of shared/endpoint.ts.
 *
 * A dual-stack socket writes IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) and wants it so. Each address is
 * parsed and formatted once while it stays in a cache of bounded size, so a flood of spoofed sources costs time
 * and no memory.
 */

import { ENDPOINT_WORDS, isIpv4Words, readClient, writeClient } from '#shared/endpoint'
import { halfSipHash } from '#shared/half-sip-hash'

/** Translates addresses both ways. */
export class SocketAddresses {
  readonly #isDualStack: boolean
  readonly #wordsByText = new Map<string, Int32Array>()
  /** Texts by the hash of their words, which stand in `#places`; whoever comes last has the place. */
  readonly #texts: string[] = Array.from({ length: PLACES }, () => '::')
  readonly #places = new Int32Array(PLACES * ADDRESS_WORDS)

  constructor(isDualStack: boolean) {
    this.#isDualStack = isDualStack
  }

  /** Writes the four words of the address `text`; false, and nothing written, if it is not one. */
  write(text: string, words: Int32Array, at: number): boolean {
    const address = this.#wordsByText.get(text) ?? this.#parse(text)
    if (address === undefined) return false
    for (let i = 0; i < ADDRESS_WORDS; i++) words[at + i] = address[i] ?? 0
    return true
  }

  /** Returns the text of the address at `words[at]`, in the form that the socket takes. */
  textOf(words: Int32Array, at: number): string {
    const place = halfSipHash(words, at, ADDRESS_WORDS, 0, 0, 0) & (PLACES - 1)
    if (!this.#isAt(place, words, at)) this.#format(place, words, at)
    return this.#texts[place] ?? ''
  }

  #parse(text: string): Int32Array | undefined {
    const words = new Int32Array(ENDPOINT_WORDS)
    if (!writeClient(words, 0, { address: text, port: 0, listener: 0, transport: 'udp' })) return undefined
    if (this.#wordsByText.size >= PLACES) this.#wordsByText.clear()
    this.#wordsByText.set(text, words)
    return words
  }

  #isAt(place: number, words: Int32Array, at: number): boolean {
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      if (this.#places[place * ADDRESS_WORDS + i] !== words[at + i]) return false
    }
    return true
  }

  #format(place: number, words: Int32Array, at: number): void {
    for (let i = 0; i < ADDRESS_WORDS; i++) this.#places[place * ADDRESS_WORDS + i] = words[at + i] ?? 0
    const { address } = readClient(words, at)
    this.#texts[place] = this.#isDualStack && isIpv4Words(words, at) ? `::ffff:${address}` : address
  }
}

/** The words of an endpoint that are its address. */
const ADDRESS_WORDS = 4

/** Bound on addresses remembered each way; a power of two. */
const PLACES = 4_096
