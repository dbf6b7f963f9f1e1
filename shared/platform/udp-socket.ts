/** A non-blocking UDP socket of the system's (man 7 udp), opened through koffi: one thread may open it and another use it. */

import { parseAddress } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import * as libc from './libc.ts'
import { encodeName } from './sockaddr.ts'

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
  const name = encodeName(address, port, isIpv6)
  demand('bind', libc.bind(descriptor, name, name.length))
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

function demand(call: string, result: number): number {
  if (result < 0) throw new SocketError('socket-refused', call, libc.errno())
  return result
}

/** SO_MEMINFO gives nine words, of which this one counts drops (linux/sock_diag.h). */
const MEMINFO_WORDS = 9
const MEMINFO_DROPS = 8
