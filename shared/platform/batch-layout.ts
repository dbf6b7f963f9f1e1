/**
 * Where the structures of a batch lie: `struct mmsghdr` (64 bytes), `struct iovec` (16), `struct sockaddr` (room for
 * either) and `struct cmsghdr`, as the 64-bit ABIs of x86 and Arm have them (man 2 sendmmsg, man 3 cmsg). Fixed pointers
 * are written once.
 */

import * as libc from './libc.ts'
import type { PacketMemory } from './packet-memory.ts'
import { SOCKADDR_BYTES } from './sockaddr.ts'

/**
 * Where the headers, vectors, names and control messages of a batch lie, one kind after the other. Each message has
 * its own name and control message. `words` is the memory by 32-bit words.
 */
export class BatchLayout {
  readonly words: Int32Array
  readonly end: number
  /** Native address of the first message header. */
  readonly address: number
  readonly #low: number
  readonly #high: number
  readonly #messagesWord: number
  readonly #vectorsAt: number
  readonly #namesAt: number
  readonly #controlsAt: number

  constructor(memory: PacketMemory, at: number, messages: number, vectors: number) {
    if (at % 8 !== 0) throw new RangeError('a batch must begin at a multiple of 8')
    this.words = new Int32Array(memory.bytes.buffer)
    this.#low = memory.address | 0
    this.#high = Math.floor(memory.address / 2 ** 32)
    this.#messagesWord = at / 4
    this.#vectorsAt = at + messages * MESSAGE_BYTES
    this.#namesAt = this.#vectorsAt + vectors * VECTOR_BYTES
    this.#controlsAt = this.#namesAt + messages * SOCKADDR_BYTES
    this.end = this.#controlsAt + messages * CONTROL_BYTES
    this.address = memory.address + at
    memory.bytes.fill(0, at, this.end)
    for (let message = 0; message < messages; message++) {
      const word = this.messageWord(message)
      this.#setPointer(word + NAME_WORD, this.#namesAt + message * SOCKADDR_BYTES)
      this.#setPointer(word + CONTROL_WORD, this.#controlsAt + message * CONTROL_BYTES)
    }
  }

  static bytesFor(messages: number, vectors: number): number {
    return messages * (MESSAGE_BYTES + SOCKADDR_BYTES + CONTROL_BYTES) + vectors * VECTOR_BYTES
  }

  messageWord(message: number): number {
    return this.#messagesWord + message * (MESSAGE_BYTES / 4)
  }

  nameWord(message: number): number {
    return (this.#namesAt >>> 2) + message * (SOCKADDR_BYTES / 4)
  }

  setNameLength(message: number, bytes: number): void {
    this.words[this.messageWord(message) + NAME_LENGTH_WORD] = bytes
  }

  setVectors(message: number, first: number, count: number): void {
    const word = this.messageWord(message)
    this.#setPointer(word + VECTORS_WORD, this.#vectorsAt + first * VECTOR_BYTES)
    this.words[word + VECTOR_COUNT_WORD] = count
  }

  addVectors(message: number, count: number): void {
    const word = this.messageWord(message) + VECTOR_COUNT_WORD
    this.words[word] = (this.words[word] ?? 0) + count
  }

  /** Has the kernel cut the message into datagrams of so many bytes; 0: it is one datagram. */
  setSegmentBytes(message: number, bytes: number): void {
    this.words[this.messageWord(message) + CONTROL_LENGTH_WORD] = bytes === 0 ? 0 : CONTROL_BYTES
    if (bytes === 0) return
    const word = (this.#controlsAt + message * CONTROL_BYTES) >>> 2
    this.words[word] = CONTROL_USED_BYTES
    this.words[word + 2] = libc.SOL_UDP
    this.words[word + 3] = libc.UDP_SEGMENT
    this.words[word + 4] = bytes
  }

  setVector(vector: number, start: number, length: number): void {
    const word = (this.#vectorsAt >>> 2) + vector * (VECTOR_BYTES / 4)
    this.#setPointer(word, start)
    this.words[word + 2] = length
  }

  /** Adds in halves: an address is too long for the integers of the machine code that V8 makes. */
  #setPointer(word: number, offset: number): void {
    const low = (this.#low + offset) | 0
    const carry = low >>> 0 < this.#low >>> 0 ? 1 : 0
    this.words[word] = low
    this.words[word + 1] = this.#high + carry
  }
}

/** `struct mmsghdr` and the 32-bit words of its fields: name, its length, iovec, their count, flags, received length. */
export const MESSAGE_BYTES = 64
const NAME_WORD = 0
const NAME_LENGTH_WORD = 2
const VECTORS_WORD = 4
const VECTOR_COUNT_WORD = 6
const CONTROL_WORD = 8
const CONTROL_LENGTH_WORD = 10
export const MESSAGE_LENGTH_WORD = 14
/** `struct iovec`: pointer and length. */
const VECTOR_BYTES = 16
/** `struct cmsghdr` and one 16-bit number: the bytes that count, and with the padding. */
const CONTROL_USED_BYTES = 18
const CONTROL_BYTES = 24
