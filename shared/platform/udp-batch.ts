/**
 * UDP in batches on Linux: `recvmmsg` and `sendmmsg` (man 2) through koffi, on preallocated memory.
 *
 * A datagram is received into a slot with headroom and sent from wherever it lies, gathered from several places
 * by `iovec`, so nothing is copied and nothing is allocated per packet. `BatchLayout` has the structures;
 * docs/relay.md has the loop that drives this.
 */

import { ENDPOINT_WORDS, isIpv4Words } from '#shared/endpoint'
import { BatchLayout, MESSAGE_BYTES, MESSAGE_LENGTH_WORD } from './batch-layout.ts'
import * as libc from './libc.ts'
import type { PacketMemory } from './packet-memory.ts'
import { isSameName, nameBytes, readName, SOCKADDR_BYTES, writeName } from './sockaddr.ts'
import type { BatchSocket } from './udp-socket.ts'

/** Slots that one `recvmmsg` fills. */
export class ReceiveBatch {
  /** How long the datagram in each slot is; one that is longer than its slot holds has been cut. */
  readonly lengths: Int32Array
  /** Bytes that a slot holds. */
  readonly slotCapacity: number
  readonly #layout: BatchLayout
  readonly #slots: number
  readonly #slotBytes: number
  readonly #firstStart: number
  /** Slots that the last call has filled. */
  #filled: number

  /** Lays out `slots` slots in `memory` from `at` (8-byte aligned) on; `ReceiveBatch.bytesFor` says how much it takes. */
  constructor(memory: PacketMemory, at: number, slots: number, slotBytes: number, headroom: number) {
    memory.demandRoom(at, ReceiveBatch.bytesFor(slots, slotBytes))
    this.lengths = new Int32Array(slots)
    this.slotCapacity = slotBytes - headroom
    this.#layout = new BatchLayout(memory, at, slots, slots)
    this.#slots = slots
    this.#filled = slots
    this.#slotBytes = slotBytes
    this.#firstStart = this.#layout.end + headroom
    for (let slot = 0; slot < slots; slot++) {
      this.#layout.setVectors(slot, slot, 1)
      this.#layout.setVector(slot, this.start(slot), this.slotCapacity)
    }
  }

  /** Bytes that a batch takes. */
  static bytesFor(slots: number, slotBytes: number): number {
    return BatchLayout.bytesFor(slots, slots) + slots * slotBytes
  }

  /** Where the datagram in `slot` begins. */
  start(slot: number): number {
    return this.#firstStart + slot * this.#slotBytes
  }

  /**
   * Receives what has arrived, without waiting, and returns how many datagrams, or minus the errno.
   *
   * Their lengths are in `lengths`; their senders are written as endpoint words, slot after slot, as clients of
   * `listener`.
   */
  receive(socket: BatchSocket, listener: number, senders: Int32Array): number {
    // The kernel has overwritten the length of the sender's address.
    for (let slot = 0; slot < this.#filled; slot++) this.#layout.setNameLength(slot, SOCKADDR_BYTES)
    this.#filled = 0
    const flags = libc.MSG_DONTWAIT | libc.MSG_TRUNC
    const received = libc.recvmmsg(socket.descriptor, this.#layout.address, this.#slots, flags, 0)
    if (received < 0) return -libc.errno()
    this.#filled = received
    this.#readMessages(received, listener, senders)
    return received
  }

  /** Reads what the kernel wrote, all in one loop: this runs for every packet. */
  #readMessages(count: number, listener: number, senders: Int32Array): void {
    const { lengths } = this
    const native = this.#layout.words
    for (let slot = 0; slot < count; slot++) {
      lengths[slot] = native[this.#layout.messageWord(slot) + MESSAGE_LENGTH_WORD] ?? 0
      readName(native, this.#layout.nameWord(slot), senders, slot * ENDPOINT_WORDS, listener)
    }
  }
}

/** How a batch sends. */
export interface SendBatchOptions {
  /** The family of the socket that it will be sent through. */
  readonly isIpv6: boolean
  /** Has the kernel cut datagrams of one length to one endpoint from one message (UDP_SEGMENT, man 7 udp). */
  readonly segments?: boolean
}

/** Messages that one `sendmmsg` sends. */
export class SendBatch {
  readonly #layout: BatchLayout
  readonly #messages: number
  readonly #vectors: number
  readonly #isIpv6: boolean
  /** How many datagrams each message holds. */
  readonly #datagrams: Int32Array
  #segments: boolean
  #message = 0
  #vector = 0
  #firstVector = 0
  /** Bytes of the datagram that is being gathered, and of the message that it may join. */
  #bytes = 0
  #messageBytes = 0
  /** Length of the datagrams in the last message while others may join it, or else 0. */
  #segmentBytes = 0

  /** Datagrams that the system took, and those that it refused. */
  sent = 0
  refused = 0

  /** Lays out room for `messages` of `vectors` parts in all, from `at` (8-byte aligned) on. */
  constructor(
    memory: PacketMemory,
    at: number,
    messages: number,
    vectors: number,
    { isIpv6, segments = false }: SendBatchOptions,
  ) {
    memory.demandRoom(at, SendBatch.bytesFor(messages, vectors))
    this.#layout = new BatchLayout(memory, at, messages, vectors)
    this.#messages = messages
    this.#vectors = vectors
    this.#isIpv6 = isIpv6
    this.#segments = segments
    this.#datagrams = new Int32Array(messages)
    for (let message = 0; message < messages; message++) {
      this.#layout.setNameLength(message, nameBytes(isIpv6))
    }
  }

  /** Bytes that a batch takes. */
  static bytesFor(messages: number, vectors: number): number {
    return BatchLayout.bytesFor(messages, vectors)
  }

  /** True when there is room for no further message, or for no message of `parts` parts. */
  isFull(parts: number): boolean {
    return this.#message === this.#messages || this.#vector + parts > this.#vectors
  }

  /** Messages that wait to be flushed. */
  get pending(): number {
    return this.#message
  }

  /** Adds `length` bytes at `start` to the datagram that `endMessage` will close. */
  addPart(start: number, length: number): void {
    this.#layout.setVector(this.#vector++, start, length)
    this.#bytes += length
  }

  /** Closes the datagram and addresses it to the endpoint at `words[wordsAt]`; one that the socket cannot reach is refused. */
  endMessage(words: Int32Array, wordsAt: number): void {
    if (!this.#isIpv6 && !isIpv4Words(words, wordsAt)) {
      this.#vector = this.#firstVector
      this.refused++
    } else {
      const name = this.#layout.nameWord(this.#message)
      writeName(this.#layout.words, name, words, wordsAt, this.#isIpv6)
      if (this.#mayJoin(name)) this.#join()
      else this.#begin()
    }
    this.#firstVector = this.#vector
    this.#bytes = 0
  }

  /**
   * Sends everything. A message that the system refuses (ECONNREFUSED of an earlier one, EMSGSIZE, ENOBUFS, a full
   * buffer) is counted and passed over: `sendmmsg` stops at it and reports it only when it is the first.
   */
  flush(socket: BatchSocket): void {
    let at = 0
    while (at < this.#message) {
      const address = this.#layout.address + at * MESSAGE_BYTES
      const taken = libc.sendmmsg(socket.descriptor, address, this.#message - at, libc.MSG_DONTWAIT)
      if (taken <= 0) this.#passOver(at++)
      else for (const end = at + taken; at < end; at++) this.sent += this.#datagrams[at] ?? 0
    }
    this.#message = 0
    this.#vector = 0
    this.#firstVector = 0
    this.#segmentBytes = 0
  }

  /** Only the last of a message's datagrams may be shorter than the others, and none longer. */
  #mayJoin(name: number): boolean {
    return (
      this.#bytes > 0 &&
      this.#bytes <= this.#segmentBytes &&
      this.#messageBytes + this.#bytes <= MAX_SEGMENTED_BYTES &&
      isSameName(this.#layout.words, name, this.#layout.nameWord(this.#message - 1))
    )
  }

  #join(): void {
    const last = this.#message - 1
    this.#layout.addVectors(last, this.#vector - this.#firstVector)
    this.#layout.setSegmentBytes(last, this.#segmentBytes)
    this.#datagrams[last] = (this.#datagrams[last] ?? 0) + 1
    this.#messageBytes += this.#bytes
    if (this.#bytes < this.#segmentBytes || this.#datagrams[last] === MAX_SEGMENTS) this.#segmentBytes = 0
  }

  #begin(): void {
    this.#layout.setVectors(this.#message, this.#firstVector, this.#vector - this.#firstVector)
    if (this.#segments) this.#layout.setSegmentBytes(this.#message, 0)
    this.#datagrams[this.#message++] = 1
    this.#messageBytes = this.#bytes
    this.#segmentBytes = this.#segments ? this.#bytes : 0
  }

  /** A path that segments do not fit, or a device that cannot cut them, gets single datagrams from now on. */
  #passOver(message: number): void {
    const datagrams = this.#datagrams[message] ?? 0
    if (datagrams > 1 && NO_SEGMENTS.includes(libc.errno())) this.#segments = false
    this.refused += datagrams
  }
}

/** What the kernel cuts from one message, at most: UDP_MAX_SEGMENTS of its older versions, in one IP packet. */
const MAX_SEGMENTS = 64
const MAX_SEGMENTED_BYTES = 65_000
/** EIO, EINVAL, EMSGSIZE: the answers to a segmented message that cannot be cut here. */
const NO_SEGMENTS: readonly number[] = [5, 22, 90]
