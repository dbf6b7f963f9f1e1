/**
 * UDP in batches on Linux: `recvmmsg` and `sendmmsg` (man 2) through koffi, on preallocated memory.
 *
 * A datagram is received into a slot with headroom and sent from wherever it lies, gathered from several places
 * by `iovec`, so nothing is copied and nothing is allocated per packet. The structures are laid out here as the
 * 64-bit ABIs of x86 and Arm have them (`struct mmsghdr`, 64 bytes; `struct iovec`, 16; `struct sockaddr_in6`, 28);
 * fixed pointers are written once. docs/relay.md has the loop that drives this.
 */

import type { Endpoint } from '#shared/endpoint'
import { ENDPOINT_WORDS, IPV4_MAPPED_WORD, isIpv4Words, parseAddress } from '#shared/endpoint'
import { writeU16 } from '#shared/bytes'
import * as libc from './libc.ts'
import type { PacketMemory } from './packet-memory.ts'

/** Why a socket could not be opened or used. */
export type SocketErrorCode = 'socket-address' | 'socket-refused'

/** A socket that could not be opened; `errno` is the system's reason. */
export class SocketError extends Error {
  override readonly name = 'SocketError'
  readonly code: SocketErrorCode
  readonly errno: number

  constructor(code: SocketErrorCode, call: string, errno: number) {
    super(`${call} failed with errno ${errno}`)
    this.code = code
    this.errno = errno
  }
}

/** How a socket is opened. */
export interface BatchSocketOptions {
  readonly bind: Endpoint
  /** Lets several threads bind the same endpoint; the kernel spreads flows over them. */
  readonly reusePort?: boolean
  /** Wanted size of each kernel buffer. */
  readonly bufferBytes: number
}

/** A socket as plain data, which one thread may open and another use: descriptors belong to the process. */
export interface SocketHandle {
  readonly descriptor: number
  readonly isIpv6: boolean
  /** What the kernel granted of the wanted receive buffer. */
  readonly receiveBufferBytes: number
}

/** Opens and binds a non-blocking UDP socket; throws a `SocketError`. One that is bound to `::` takes IPv4 as well. */
export function openSocket(options: BatchSocketOptions): SocketHandle {
  const address = parseAddress(options.bind.address)
  if (address === undefined) throw new SocketError('socket-address', 'parsing the address', 0)
  const isIpv6 = options.bind.address.includes(':')
  const type = libc.SOCK_DGRAM | libc.SOCK_CLOEXEC | libc.SOCK_NONBLOCK
  const descriptor = demand('socket', libc.socket(isIpv6 ? libc.AF_INET6 : libc.AF_INET, type, 0))
  try {
    if (isIpv6) setOption(descriptor, libc.IPPROTO_IPV6, libc.IPV6_V6ONLY, 0)
    if (options.reusePort === true) setOption(descriptor, libc.SOL_SOCKET, libc.SO_REUSEPORT, 1)
    bindTo(descriptor, isIpv6, address, options.bind.port)
    return { descriptor, isIpv6, receiveBufferBytes: enlargeBuffers(descriptor, options.bufferBytes) }
  } catch (error) {
    libc.close(descriptor)
    throw error
  }
}

/** An open socket at work in one thread. */
export class BatchSocket {
  readonly handle: SocketHandle
  readonly descriptor: number
  readonly isIpv6: boolean
  readonly #scratch = new Int32Array(MEMINFO_WORDS)

  constructor(handle: SocketHandle) {
    this.handle = handle
    this.descriptor = handle.descriptor
    this.isIpv6 = handle.isIpv6
  }

  /** Datagrams that the kernel dropped because the receive buffer was full (SO_MEMINFO, SK_MEMINFO_DROPS). */
  get kernelDrops(): number {
    const length = new Uint32Array([this.#scratch.byteLength])
    libc.getsockopt(this.descriptor, libc.SOL_SOCKET, libc.SO_MEMINFO, this.#scratch, length)
    return (this.#scratch[MEMINFO_DROPS] ?? 0) >>> 0
  }

  /** Closes the socket for every thread; using it afterwards is a fault. */
  close(): void {
    libc.close(this.descriptor)
  }
}

function bindTo(descriptor: number, isIpv6: boolean, address: Uint8Array, port: number): void {
  const sockaddr = new Uint8Array(SOCKADDR_BYTES)
  writeFamily(sockaddr, 0, isIpv6)
  writeU16(sockaddr, 2, port)
  if (isIpv6) sockaddr.set(address, IPV6_ADDRESS)
  else sockaddr.set(address.subarray(12), IPV4_ADDRESS)
  demand('bind', libc.bind(descriptor, sockaddr, isIpv6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES))
}

/** The forced variants pass the system's limit and need CAP_NET_ADMIN; without it the limit holds. */
function enlargeBuffers(descriptor: number, bytes: number): number {
  for (const [forced, plain] of [
    [libc.SO_RCVBUFFORCE, libc.SO_RCVBUF],
    [libc.SO_SNDBUFFORCE, libc.SO_SNDBUF],
  ] as const) {
    const value = new Int32Array([bytes])
    if (libc.setsockopt(descriptor, libc.SOL_SOCKET, forced, value, 4) < 0) {
      libc.setsockopt(descriptor, libc.SOL_SOCKET, plain, value, 4)
    }
  }
  const granted = new Int32Array(1)
  libc.getsockopt(descriptor, libc.SOL_SOCKET, libc.SO_RCVBUF, granted, new Uint32Array([4]))
  // The kernel doubles what it is asked for, to account for its own overhead (man 7 socket).
  return (granted[0] ?? 0) / 2
}

function setOption(descriptor: number, level: number, option: number, value: number): void {
  demand('setsockopt', libc.setsockopt(descriptor, level, option, new Int32Array([value]), 4))
}

/** Slots that one `recvmmsg` fills. */
export class ReceiveBatch {
  /** How long the datagram in each slot is; one that is longer than its slot holds has been cut. */
  readonly lengths: Int32Array
  /** Bytes that a slot holds. */
  readonly slotCapacity: number
  readonly #layout: Layout
  readonly #slots: number
  readonly #slotBytes: number
  readonly #firstStart: number

  /** Lays out `slots` slots in `memory` from `at` (8-byte aligned) on; `ReceiveBatch.bytesFor` says how much it takes. */
  constructor(memory: PacketMemory, at: number, slots: number, slotBytes: number, headroom: number) {
    demandRoom(memory, at, ReceiveBatch.bytesFor(slots, slotBytes))
    this.lengths = new Int32Array(slots)
    this.slotCapacity = slotBytes - headroom
    this.#layout = new Layout(memory, at, slots, slots)
    this.#slots = slots
    this.#slotBytes = slotBytes
    this.#firstStart = this.#layout.end + headroom
    for (let slot = 0; slot < slots; slot++) {
      this.#layout.setVectors(slot, slot, 1)
      this.#layout.setVector(slot, this.start(slot), this.slotCapacity)
    }
  }

  /** Bytes that a batch takes. */
  static bytesFor(slots: number, slotBytes: number): number {
    return Layout.bytesFor(slots, slots) + slots * slotBytes
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
    // The kernel overwrites the length of the sender's address.
    for (let slot = 0; slot < this.#slots; slot++) this.#layout.setNameLength(slot, SOCKADDR_BYTES)
    const flags = libc.MSG_DONTWAIT | libc.MSG_TRUNC
    const received = libc.recvmmsg(socket.descriptor, this.#layout.address, this.#slots, flags, 0)
    if (received < 0) return -libc.errno()
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
  readonly #layout: Layout
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
    demandRoom(memory, at, SendBatch.bytesFor(messages, vectors))
    this.#layout = new Layout(memory, at, messages, vectors)
    this.#messages = messages
    this.#vectors = vectors
    this.#isIpv6 = isIpv6
    this.#segments = segments
    this.#datagrams = new Int32Array(messages)
    for (let message = 0; message < messages; message++) {
      this.#layout.setNameLength(message, isIpv6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES)
    }
  }

  /** Bytes that a batch takes. */
  static bytesFor(messages: number, vectors: number): number {
    return Layout.bytesFor(messages, vectors)
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

/** Waits for sockets to become readable: `poll` (man 2). */
export class Poller {
  readonly #fds: Int16Array
  readonly #address: number
  readonly #count: number

  /** Watches `sockets`, in 8 bytes of `memory` each from `at` on. */
  constructor(memory: PacketMemory, at: number, sockets: readonly BatchSocket[]) {
    demandRoom(memory, at, sockets.length * POLLFD_BYTES)
    this.#fds = new Int16Array(memory.bytes.buffer, at, sockets.length * 4)
    this.#address = memory.address + at
    this.#count = sockets.length
    const descriptors = new Int32Array(memory.bytes.buffer, at, sockets.length * 2)
    sockets.forEach((socket, index) => {
      descriptors[index * 2] = socket.descriptor
      this.#fds[index * 4 + 2] = libc.POLLIN
    })
  }

  /** Waits for at most `timeoutMillis`; returns how many sockets are readable, or a negative number. */
  wait(timeoutMillis: number): number {
    return libc.poll(this.#address, this.#count, timeoutMillis)
  }

  /** Tells whether the last `wait` found the socket readable or in error, which a receive clears. */
  isReadable(index: number): boolean {
    return this.#fds[index * 4 + 3] !== 0
  }
}

/**
 * Where the headers, vectors, names and control messages of a batch lie, one kind after the other. Each message has
 * its own name and control message.
 *
 * Native memory is written by 32-bit words, which both ABIs store with the low byte first; what is in network
 * order there goes through `swapBytes`.
 */
class Layout {
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

/** Reads the `struct sockaddr` at `native[name]` as the endpoint words of a client of `listener`. */
function readName(native: Int32Array, name: number, words: Int32Array, at: number, listener: number): void {
  const familyAndPort = native[name] ?? 0
  words[at + 4] = (swapBytes(familyAndPort) & 0xffff) | (listener << 16)
  if ((familyAndPort & 0xffff) === libc.AF_INET6) {
    for (let i = 0; i < 4; i++) words[at + i] = swapBytes(native[name + IPV6_WORD + i] ?? 0)
    return
  }
  words[at] = 0
  words[at + 1] = 0
  words[at + 2] = IPV4_MAPPED_WORD
  words[at + 3] = swapBytes(native[name + IPV4_WORD] ?? 0)
}

/** Writes the endpoint at `words[at]` as the `struct sockaddr` of its socket's family. */
function writeName(native: Int32Array, name: number, words: Int32Array, at: number, isIpv6: boolean): void {
  const port = swapBytes(words[at + 4] ?? 0) & PORT_MASK
  if (isIpv6) {
    native[name] = libc.AF_INET6 | port
    for (let i = 0; i < 4; i++) native[name + IPV6_WORD + i] = swapBytes(words[at + i] ?? 0)
    return
  }
  native[name] = libc.AF_INET | port
  native[name + IPV4_WORD] = swapBytes(words[at + 3] ?? 0)
}

function isSameName(native: Int32Array, a: number, b: number): boolean {
  for (let i = 0; i < SOCKADDR_BYTES / 4; i++) if (native[a + i] !== native[b + i]) return false
  return true
}

/** Turns a 32-bit word around, between network order and that of the machine. */
function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}

function writeFamily(bytes: Uint8Array, at: number, isIpv6: boolean): void {
  // sa_family is in host order, and both ABIs are little-endian.
  bytes[at] = isIpv6 ? libc.AF_INET6 : libc.AF_INET
  bytes[at + 1] = 0
}

function demandRoom(memory: PacketMemory, at: number, bytes: number): void {
  if (!memory.holds(at, bytes)) throw new RangeError('the memory is too small for the batch')
}

function demand(call: string, result: number): number {
  if (result < 0) throw new SocketError('socket-refused', call, libc.errno())
  return result
}

/** `struct mmsghdr` and the 32-bit words of its fields: name, its length, iovec, their count, flags, received length. */
const MESSAGE_BYTES = 64
const NAME_WORD = 0
const NAME_LENGTH_WORD = 2
const VECTORS_WORD = 4
const VECTOR_COUNT_WORD = 6
const CONTROL_WORD = 8
const CONTROL_LENGTH_WORD = 10
const MESSAGE_LENGTH_WORD = 14
/** `struct iovec`: pointer and length. */
const VECTOR_BYTES = 16
/** Room for either `struct sockaddr`, aligned. */
const SOCKADDR_BYTES = 32
const SOCKADDR_IN_BYTES = 16
const SOCKADDR_IN6_BYTES = 28
/** Where the address is in either, in bytes and in words, and where the port is in the first word of both. */
const IPV4_ADDRESS = 4
const IPV6_ADDRESS = 8
const IPV4_WORD = IPV4_ADDRESS / 4
const IPV6_WORD = IPV6_ADDRESS / 4
const PORT_MASK = 0xffff0000
/** `struct cmsghdr` and one 16-bit number: the bytes that count, and with the padding. */
const CONTROL_USED_BYTES = 18
const CONTROL_BYTES = 24
/** What the kernel cuts from one message, at most: UDP_MAX_SEGMENTS of its older versions, in one IP packet. */
const MAX_SEGMENTS = 64
const MAX_SEGMENTED_BYTES = 65_000
/** EIO, EINVAL, EMSGSIZE: the answers to a segmented message that cannot be cut here. */
const NO_SEGMENTS: readonly number[] = [5, 22, 90]
/** `struct pollfd`: descriptor, events, revents. */
const POLLFD_BYTES = 8
/** SO_MEMINFO gives nine words, of which this one counts drops (linux/sock_diag.h). */
const MEMINFO_WORDS = 9
const MEMINFO_DROPS = 8
