/**
 * What it takes to say goodbye to each client of a media thread once that thread has died: docs/transceiver.md,
 * "Goodbyes".
 *
 * The memory is shared by two threads and outlives the one that writes it. The media thread keeps a slot for each
 * connected session; the main thread reads when nobody writes any more. A slot that the end has caught half written
 * counts as empty.
 *
 *     byte  0   4           24       44       52
 *           |length| link words | client words | cookie | record of `length` bytes …     128 bytes a slot
 */

import { ENDPOINT_WORDS } from '#shared/endpoint'
import {
  frameHeaderBytes,
  LINK_COOKIE_BYTES,
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
  writeLinkHeader,
} from '#shared/link/frame'
import type { IcePath } from './ice/path.ts'
import type { RelayDirectory } from './relay-directory.ts'

/** The goodbyes of one thread's sessions, as that thread keeps them. */
export class GoodbyeSlab {
  readonly #memory: SharedArrayBuffer
  readonly #directory: RelayDirectory
  readonly #free: number[]

  /** Keeps as many as `memory` has room for, all of it zero. */
  constructor(memory: SharedArrayBuffer, directory: RelayDirectory) {
    this.#memory = memory
    this.#directory = directory
    this.#free = Array.from({ length: slotsOf(memory) }, (_, slot) => slot).reverse()
  }

  /** Bytes that so many goodbyes take. */
  static bytesFor(sessions: number): number {
    return sessions * SLOT_BYTES
  }

  /** Takes a slot for a session; undefined: there are as many as there may be. */
  open(): Goodbye | undefined {
    const slot = this.#free.pop()
    if (slot === undefined) return undefined
    return new Goodbye(this.#memory, slot, this.#directory, () => this.#free.push(slot))
  }
}

/** The goodbye of one session. It is complete, and will be said, once it is sealed and has a path. */
export class Goodbye {
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #directory: RelayDirectory
  readonly #onClose: () => void
  #recordBytes = 0
  #hasPath = false
  #isClosed = false

  /** Is made by `GoodbyeSlab.open`. */
  constructor(memory: SharedArrayBuffer, slot: number, directory: RelayDirectory, onClose: () => void) {
    this.#words = new Int32Array(memory, slot * SLOT_BYTES, SLOT_BYTES / 4)
    this.#bytes = new Uint8Array(memory, slot * SLOT_BYTES, SLOT_BYTES)
    this.#directory = directory
    this.#onClose = onClose
  }

  /** Takes the record that ends the connection; the last one given counts. One that is too long counts for none. */
  seal(record: Uint8Array): void {
    this.#withdraw()
    this.#recordBytes = record.length <= MAX_RECORD_BYTES ? record.length : 0
    if (this.#recordBytes > 0) this.#bytes.set(record, RECORD_AT)
    this.#publish()
  }

  /** Addresses the goodbye to where the client is now. */
  follow(path: IcePath): void {
    const link = this.#directory.linkAt(path.link)
    this.#withdraw()
    this.#hasPath = link?.cookie !== undefined
    if (link?.cookie !== undefined) {
      this.#words.set(link.words, LINK_WORD)
      this.#words.set(path.client, CLIENT_WORD)
      this.#bytes.set(link.cookie, COOKIE_AT)
    }
    this.#publish()
  }

  /** Gives the slot back: the session has said its own goodbye. May be called again. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#withdraw()
    this.#onClose()
  }

  #withdraw(): void {
    Atomics.store(this.#words, 0, 0)
  }

  #publish(): void {
    if (this.#hasPath && !this.#isClosed) Atomics.store(this.#words, 0, this.#recordBytes)
  }
}

/** What a thread that has died has left to be said. */
export class LeftGoodbyes {
  /** The slots that have one. */
  readonly slots: readonly number[]
  /** Where the words of the relays' links stand, each at `linkAt` of its slot. */
  readonly words: Int32Array
  readonly #bytes: Uint8Array

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory)
    this.#bytes = new Uint8Array(memory)
    this.slots = Array.from({ length: slotsOf(memory) }, (_, slot) => slot).filter(
      (slot) => this.#recordBytes(slot) > 0,
    )
  }

  /** Where in `words` the link of a slot's relay stands. */
  linkAt(slot: number): number {
    return slot * SLOT_WORDS + LINK_WORD
  }

  /** Writes a slot's goodbye as the datagram for its relay, of up to `MAX_GOODBYE_BYTES`; returns its length. */
  write(slot: number, memory: Uint8Array, at: number, flags: number): number {
    const slotAt = slot * SLOT_BYTES
    const recordBytes = this.#recordBytes(slot)
    const client = slot * SLOT_WORDS + CLIENT_WORD
    const cookie = this.#bytes.subarray(slotAt + COOKIE_AT, slotAt + COOKIE_AT + LINK_COOKIE_BYTES)
    const record = this.#bytes.subarray(slotAt + RECORD_AT, slotAt + RECORD_AT + recordBytes)
    const frameAt = at + writeLinkHeader(memory, at, LINK_TYPE_DATA, cookie)
    writeFrameHeader(memory, frameAt, this.words, client, flags, recordBytes)
    const headerBytes = frameHeaderBytes(this.words, client)
    memory.set(record, frameAt + headerBytes)
    return LINK_HEADER_BYTES + headerBytes + recordBytes
  }

  #recordBytes(slot: number): number {
    const length = Atomics.load(this.words, slot * SLOT_WORDS)
    return length > 0 && length <= MAX_RECORD_BYTES ? length : 0
  }
}

function slotsOf(memory: SharedArrayBuffer): number {
  return Math.floor(memory.byteLength / SLOT_BYTES)
}

const SLOT_BYTES = 128
const SLOT_WORDS = SLOT_BYTES / 4
const LINK_WORD = 1
const CLIENT_WORD = LINK_WORD + ENDPOINT_WORDS
const COOKIE_AT = 4 * (CLIENT_WORD + ENDPOINT_WORDS)
const RECORD_AT = COOKIE_AT + LINK_COOKIE_BYTES
/** A close_notify takes 39: docs/dtls-srtp.md. */
const MAX_RECORD_BYTES = SLOT_BYTES - RECORD_AT
/** The longest datagram that `LeftGoodbyes` writes. */
export const MAX_GOODBYE_BYTES = LINK_HEADER_BYTES + MAX_FRAME_HEADER_BYTES + MAX_RECORD_BYTES
