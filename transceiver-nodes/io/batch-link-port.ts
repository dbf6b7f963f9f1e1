/**
 * The link port on Linux: `recvmmsg` and `sendmmsg` on the packet memory, when the loop asks and never in between.
 * docs/transceiver.md, "Batches".
 *
 * A datagram is handled where the kernel has put it, and leaves from where it was written. The socket belongs to
 * the process, not to the thread: it outlives a thread that dies, and so does what has arrived on it.
 */

import { ENDPOINT_WORDS } from '#shared/endpoint'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { Poller } from '#shared/platform/poller'
import { ReceiveBatch, SendBatch } from '#shared/platform/udp-batch'
import { BatchSocket } from '#shared/platform/udp-socket'
import type { SocketHandle } from '#shared/platform/udp-socket'
import { LINK_WRITER_SLOTS } from '../core/link-writer.ts'
import type { KnownLink } from '../core/relay-directory.ts'
import type { LinkPort, LinkPortCounts, LinkReceiver } from './link-port.ts'

/** A link port on a socket that somebody else has opened and will close. */
export class BatchLinkPort implements LinkPort {
  readonly isPolled = true
  readonly #socket: BatchSocket
  readonly #batches: readonly ReceiveBatch[]
  /** The batch that the next datagrams go into. */
  #batch = 0
  readonly #send: SendBatch
  readonly #poller: Poller
  readonly #receiver: LinkReceiver
  readonly #senders = new Int32Array(ENDPOINT_WORDS * RECEIVE_SLOTS)
  #truncated = 0

  /** Uses `BATCH_PORT_BYTES` of `memory` from `at` (8-byte aligned) on. */
  constructor(handle: SocketHandle, memory: PacketMemory, at: number, receiver: LinkReceiver) {
    this.#socket = new BatchSocket(handle)
    this.#receiver = receiver
    const sendAt = at + RECEIVE_BATCHES * RECEIVE_BYTES
    const pollAt = sendAt + SEND_BYTES
    this.#batches = Array.from(
      { length: RECEIVE_BATCHES },
      (_, batch) => new ReceiveBatch(memory, at + batch * RECEIVE_BYTES, RECEIVE_SLOTS, SLOT_BYTES, 0),
    )
    this.#send = new SendBatch(memory, sendAt, SEND_MESSAGES, SEND_MESSAGES, {
      isIpv6: handle.isIpv6,
      segments: true,
    })
    this.#poller = new Poller(memory, pollAt, [this.#socket])
  }

  get counts(): LinkPortCounts {
    return {
      refused: this.#send.refused,
      truncated: this.#truncated,
      kernelDrops: this.#socket.kernelDrops,
    }
  }

  /** A flood must not keep the thread from its clock: when every batch is full, the turn ends. */
  get isFull(): boolean {
    return this.#batch === RECEIVE_BATCHES
  }

  receive(timeoutMillis: number): number {
    if (timeoutMillis > 0 && this.#poller.wait(timeoutMillis) <= 0) return 0
    let received = 0
    for (;;) {
      const batch = this.#batches[this.#batch]
      if (batch === undefined) return received
      const count = batch.receive(this.#socket, 0, this.#senders)
      if (count > 0) this.#batch++
      for (let slot = 0; slot < count; slot++) this.#handle(batch, slot)
      received += Math.max(0, count)
      if (count < RECEIVE_SLOTS) return received
    }
  }

  release(): void {
    this.#batch = 0
  }

  add(to: KnownLink, start: number, length: number): void {
    if (this.#send.isFull(1)) this.flush()
    this.#send.addPart(start, length)
    this.#send.endMessage(to.words, 0)
  }

  flush(): void {
    if (this.#send.pending > 0) this.#send.flush(this.#socket)
  }

  async close(): Promise<void> {}

  #handle(batch: ReceiveBatch, slot: number): void {
    const length = batch.lengths[slot] ?? 0
    if (length > SLOT_BYTES) this.#truncated++
    else this.#receiver.handleDatagram(batch.start(slot), length, this.#senders, slot * ENDPOINT_WORDS)
  }
}

/** Datagrams that one system call receives, each with up to a dozen packets. */
const RECEIVE_SLOTS = 64
/** Received and kept until `release`: four turns of a tick fill four of them, or more when there is more. */
const RECEIVE_BATCHES = 16
/** Relays keep bundles to the MTU; a single frame of the longest client payload fits too. */
const SLOT_BYTES = 2048
/** All that the writer gathers, and a probe. */
const SEND_MESSAGES = LINK_WRITER_SLOTS + 8
const RECEIVE_BYTES = align(ReceiveBatch.bytesFor(RECEIVE_SLOTS, SLOT_BYTES))
const SEND_BYTES = align(SendBatch.bytesFor(SEND_MESSAGES, SEND_MESSAGES))
const POLLFD_BYTES = 8
/** Memory that a batched port needs. */
export const BATCH_PORT_BYTES = RECEIVE_BATCHES * RECEIVE_BYTES + SEND_BYTES + POLLFD_BYTES

function align(bytes: number): number {
  return (bytes + 7) & ~7
}
