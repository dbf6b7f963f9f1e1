/** Waits on sockets: `poll` (man 2) through koffi, on preallocated memory. */

import * as libc from './libc.ts'
import type { PacketMemory } from './packet-memory.ts'
import type { BatchSocket } from './udp-socket.ts'

/** Waits for sockets to become readable: `poll` (man 2). */
export class Poller {
  readonly #fds: Int16Array
  readonly #address: number
  readonly #count: number

  /** Watches `sockets`, in 8 bytes of `memory` each from `at` on. */
  constructor(memory: PacketMemory, at: number, sockets: readonly BatchSocket[]) {
    memory.demandRoom(at, sockets.length * POLLFD_BYTES)
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

/** `struct pollfd`: descriptor, events, revents. */
const POLLFD_BYTES = 8
