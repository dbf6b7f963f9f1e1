/**
 * Says the goodbyes of a media thread that has died, through its socket: docs/transceiver.md, "Goodbyes".
 *
 * Nobody says that a goodbye has arrived, so all are sent three times; a client that has heard the first drops the
 * others as replays. They leave in small batches, so that neither the socket nor a relay has to take them all at once.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { FRAME_FLAG_UNBIND } from '#shared/link/frame'
import { PacketMemory } from '#shared/platform/packet-memory'
import { SendBatch } from '#shared/platform/udp-batch'
import { BatchSocket } from '#shared/platform/udp-socket'
import type { SocketHandle } from '#shared/platform/udp-socket'
import { MAX_GOODBYE_BYTES } from '../core/goodbye-slab.ts'
import type { LeftGoodbyes } from '../core/goodbye-slab.ts'

/** Sends what is left; resolves once all of it has been sent, or when `signal` says that the socket will be closed. */
export async function sendGoodbyes(
  left: LeftGoodbyes,
  socket: SocketHandle,
  signal: AbortSignal,
): Promise<void> {
  if (left.slots.length === 0) return
  const sender = new GoodbyeSender(left, socket)
  for (const [round, pause] of PAUSES.entries()) {
    await wait(pause)
    // Once only: whoever calls again from where it was has its flow anew.
    const flags = round === 0 ? FRAME_FLAG_UNBIND : 0
    for (let first = 0; first < left.slots.length; first += BATCH) {
      if (first > 0) await wait(BATCH_PAUSE)
      if (signal.aborted) return
      sender.send(left.slots.slice(first, first + BATCH), flags)
    }
  }
}

class GoodbyeSender {
  readonly #left: LeftGoodbyes
  readonly #socket: BatchSocket
  readonly #memory = new PacketMemory(DATAGRAMS_AT + BATCH * MAX_GOODBYE_BYTES)
  readonly #batch: SendBatch

  constructor(left: LeftGoodbyes, socket: SocketHandle) {
    this.#left = left
    this.#socket = new BatchSocket(socket)
    this.#batch = new SendBatch(this.#memory, 0, BATCH, BATCH, { isIpv6: socket.isIpv6 })
  }

  send(slots: readonly number[], flags: number): void {
    for (const [index, slot] of slots.entries()) {
      const at = DATAGRAMS_AT + index * MAX_GOODBYE_BYTES
      this.#batch.addPart(at, this.#left.write(slot, this.#memory.bytes, at, flags))
      this.#batch.endMessage(this.#left.words, this.#left.linkAt(slot))
    }
    this.#batch.flush(this.#socket)
  }
}

/** Before each time that all are sent, in milliseconds: a burst of losses is seldom longer. */
const PAUSES = [0, 50, 250]
/** How many leave at once, and how long until the next do: 12,800 a second. */
const BATCH = 64
const BATCH_PAUSE = 5
const DATAGRAMS_AT = SendBatch.bytesFor(BATCH, BATCH)
