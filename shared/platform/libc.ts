/**
 * The functions of the C library that the batched sockets call, through koffi: Linux, x86-64 and Arm64.
 *
 * Functions keep their C names (man 2); constants are those of asm-generic, which both ABIs share.
 */

import koffi from 'koffi'
import { bindNative } from './native.ts'

/** Opens a socket. */
export const socket = bindNative('int socket(int domain, int type, int protocol)')
/** Binds a socket to an address. */
export const bind = bindNative('int bind(int socket, const void *address, unsigned int length)')
/** Closes a descriptor. */
export const close = bindNative('int close(int descriptor)')
/** Sets a socket option. */
export const setsockopt = bindNative(
  'int setsockopt(int socket, int level, int option, const void *value, unsigned int length)',
)
/** Reads a socket option. */
export const getsockopt = bindNative(
  'int getsockopt(int socket, int level, int option, void *value, void *length)',
)
/** Receives datagrams in a batch; the vector is given by address. */
export const recvmmsg = bindNative(
  'int recvmmsg(int socket, uintptr_t messages, unsigned int count, int flags, uintptr_t timeout)',
)
/** Sends datagrams in a batch; the vector is given by address. */
export const sendmmsg = bindNative(
  'int sendmmsg(int socket, uintptr_t messages, unsigned int count, int flags)',
)
/** Waits for descriptors; the list is given by address. */
export const poll = bindNative('int poll(uintptr_t descriptors, unsigned long count, int timeout)')
/** Pins the calling thread (pid 0) to the processors of a mask. */
export const sched_setaffinity = bindNative('int sched_setaffinity(int pid, size_t length, const void *mask)')

/** Returns the error of the last call on this thread. */
export function errno(): number {
  return koffi.errno()
}

export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0x800
export const SOCK_CLOEXEC = 0x80000
export const SOL_SOCKET = 1
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_REUSEPORT = 15
export const SO_SNDBUFFORCE = 32
export const SO_RCVBUFFORCE = 33
export const SO_MEMINFO = 55
export const SOL_UDP = 17
export const UDP_SEGMENT = 103
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const MSG_TRUNC = 0x20
export const MSG_DONTWAIT = 0x40
export const POLLIN = 1
