/**
 * One end of a DTLS connection on memory instead of a socket: RFC 6347, RFC 5764, docs/dtls-srtp.md.
 *
 * OpenSSL speaks the protocol; this file moves datagrams in and out of it, and is what decides who the peer is,
 * when to give up, and what the ending is called. No socket and no timer of its own: the owner brings datagrams,
 * calls `handleTimeout` when `pollTimeout` says so, and calls `close` once it is done, whatever happened before.
 *
 * Callbacks run after OpenSSL has returned; they may call any method, `close` included.
 */

import { monotonicNow } from '#shared/platform/clock'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { drive } from './dtls-context.ts'
import type { DtlsContext, DtlsPolicy } from './dtls-context.ts'
import { exportSrtpKeys } from './dtls-keys.ts'
import { hasForgedRecord } from './dtls-record.ts'
import * as openssl from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import type { SrtpKeys } from './srtp-profile.ts'

/** Which end sends the ClientHello: `a=setup:active` is the client, RFC 5763 section 5. */
export type DtlsRole = 'client' | 'server'

/**
 * Why a connection ended by itself.
 *
 * - `close-notify`: the peer has closed it.
 * - `fingerprint-mismatch`: the peer's certificate is not the one that its offer names.
 * - `no-srtp-profile`: the peer knows none of our SRTP profiles.
 * - `timeout`: the handshake took longer than `HANDSHAKE_LIMIT`.
 * - `fatal-alert`: the peer has given up.
 * - `handshake-failed`, `connection-failed`: we have, before or after the handshake, and told the peer so.
 */
export type DtlsCloseReason =
  | 'close-notify'
  | 'fingerprint-mismatch'
  | 'no-srtp-profile'
  | 'timeout'
  | 'fatal-alert'
  | 'handshake-failed'
  | 'connection-failed'

/**
 * Why data or a datagram was not taken.
 *
 * - `dtls-length`: it is empty, too long, or not inside its memory.
 * - `dtls-record`: it holds a forged record, `hasForgedRecord`.
 * - `dtls-not-connected`: there is no connection yet to send on, or no longer.
 */
export type DtlsFault = 'dtls-length' | 'dtls-record' | 'dtls-not-connected'

export interface DtlsOptions {
  readonly context: DtlsContext
  readonly role: DtlsRole
  /** SHA-256 fingerprints, one of which must be the peer's: hexadecimal digits, a colon between bytes. */
  readonly fingerprints: readonly string[]
  /** Sends a datagram, valid only during the call. */
  readonly onSend: (datagram: Uint8Array) => void
  /** The peer is who it should be, and these are its keys; called once, before any data. */
  readonly onConnected: (keys: SrtpKeys) => void
  /** Takes application data, valid only during the call. */
  readonly onData: (data: Uint8Array) => void
  /**
   * Takes a goodbye that is sealed and not sent, valid only during the call: whoever sends it later ends the
   * connection in this end's place. Comes with the connection, and again before the last one is too old for the peer.
   */
  readonly onGoodbye?: ((record: Uint8Array) => void) | undefined
  /** The connection has ended by itself and is freed; not called after `close`. */
  readonly onClosed: (reason: DtlsCloseReason) => void
  /** When to send a flight again if the peer stays silent, doubled each time; `FIRST_RETRANSMIT` when absent. */
  readonly firstRetransmit?: number
  readonly clock?: () => Millis
}

/** One end of one connection. */
export class DtlsEndpoint {
  readonly #options: DtlsOptions
  readonly #clock: () => Millis
  readonly #policy: DtlsPolicy
  readonly #ssl: openssl.Address
  readonly #input: openssl.Address
  readonly #output: openssl.Address
  #state: 'idle' | 'handshaking' | 'connected' | 'closing' | 'closed' = 'idle'
  #peer: 'unknown' | 'accepted' | 'refused' = 'unknown'
  #giveUpAt = millisOf(Infinity)
  #retransmitAt: Millis | undefined
  /** Records sent since the goodbye was sealed. */
  #sentSince = 0

  /** Throws an `OpenSslError` if OpenSSL cannot. */
  constructor(options: DtlsOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicNow
    this.#policy = {
      acceptPeer: (fingerprint) => this.#acceptPeer(fingerprint),
      retransmitAfter: (previous) =>
        previous === 0
          ? (options.firstRetransmit ?? FIRST_RETRANSMIT)
          : Math.min(previous * 2, LONGEST_RETRANSMIT),
    }
    this.#ssl = options.context.createConnection()
    this.#input = openDatagramQueue(INPUT_QUEUE_BYTES)
    this.#output = openDatagramQueue(OUTPUT_QUEUE_BYTES)
    openssl.SSL_set_bio(this.#ssl, this.#input, this.#output)
    openssl.SSL_ctrl(this.#ssl, SSL_CTRL_SET_MTU, DTLS_MTU_BYTES, 0)
    if (options.role === 'client') openssl.SSL_set_connect_state(this.#ssl)
    else openssl.SSL_set_accept_state(this.#ssl)
  }

  /** Begins the handshake; a client sends its ClientHello. A server is also started by its first datagram. */
  start(): void {
    if (this.#state !== 'idle') return
    this.#state = 'handshaking'
    this.#giveUpAt = millisOf(this.#clock() + HANDSHAKE_LIMIT)
    this.#advance()
  }

  /** Takes the datagram of `length` bytes at `start`; it is copied. */
  handleDatagram(memory: Uint8Array, start: number, length: number): DtlsFault | undefined {
    const isInside = start >= 0 && start + length <= memory.length
    if (!isInside || length <= 0 || length > MAX_DATAGRAM_BYTES) return 'dtls-length'
    if (!this.#isOpen) return 'dtls-not-connected'
    if (hasForgedRecord(memory, start, length)) return 'dtls-record'
    scratch.bytes.set(memory.subarray(start, start + length), INPUT_AT)
    openssl.BIO_write(this.#input, scratch.address + INPUT_AT, length)
    if (this.#state === 'idle') this.start()
    else this.#advance()
    return undefined
  }

  /** When `handleTimeout` is due; `undefined`: never. */
  pollTimeout(): Millis | undefined {
    if (this.#state !== 'handshaking') return undefined
    return millisOf(Math.min(this.#giveUpAt, this.#retransmitAt ?? Infinity))
  }

  /** Sends the last flight again, or gives up; too early a call does no harm. */
  handleTimeout(): void {
    if (this.#state !== 'handshaking') return
    if (this.#clock() >= this.#giveUpAt) return this.#end('timeout')
    const result = drive(this.#policy, handleOpenSslTimeout, this.#ssl)
    if (result < 0) return this.#fail()
    this.#flush()
    this.#schedule()
  }

  /** Sends application data, up to `MAX_DTLS_DATA_BYTES` of it, as one datagram. */
  send(data: Uint8Array): DtlsFault | undefined {
    if (this.#state !== 'connected') return 'dtls-not-connected'
    if (data.length === 0 || data.length > MAX_DTLS_DATA_BYTES) return 'dtls-length'
    scratch.bytes.set(data, INPUT_AT)
    openssl.ERR_clear_error()
    const result = openssl.SSL_write(this.#ssl, scratch.address + INPUT_AT, data.length)
    if (result <= 0) this.#fail()
    else this.#flush()
    if (++this.#sentSince >= GOODBYE_RENEWAL) this.#sealGoodbye()
    return undefined
  }

  /** Says goodbye if there is somebody to hear it, and frees everything; may be called again. */
  close(): void {
    if (this.#state === 'connected') openssl.SSL_shutdown(this.#ssl)
    this.#end()
  }

  get #isOpen(): boolean {
    return this.#state !== 'closing' && this.#state !== 'closed'
  }

  #advance(): void {
    if (this.#state === 'handshaking') this.#shakeHands()
    if (this.#state === 'connected') this.#receive()
  }

  #shakeHands(): void {
    const result = drive(this.#policy, openssl.SSL_do_handshake, this.#ssl)
    if (result === 1) return this.#establish()
    if (openssl.SSL_get_error(this.#ssl, result) !== SSL_ERROR_WANT_READ) return this.#fail()
    this.#flush()
    this.#schedule()
  }

  /** Asked from inside OpenSSL as soon as the peer's certificate is there: before any secret depends on it. */
  #acceptPeer(fingerprint: string): boolean {
    const isExpected = this.#options.fingerprints.some((expected) => expected.toUpperCase() === fingerprint)
    this.#peer = isExpected ? 'accepted' : 'refused'
    return isExpected
  }

  #establish(): void {
    // A handshake that never asked for the peer's certificate must not pass for one that did.
    if (this.#peer !== 'accepted') return this.#end('fingerprint-mismatch')
    const keys = exportSrtpKeys(this.#ssl, this.#options.role)
    if (keys === undefined) {
      openssl.SSL_shutdown(this.#ssl)
      return this.#end('no-srtp-profile')
    }
    this.#state = 'connected'
    this.#options.onConnected(keys)
    this.#flush()
    // Every flight is out, and what comes now is one datagram at a time.
    if (this.#isOpen)
      openssl.BIO_ctrl(this.#output, BIO_C_SET_WRITE_BUF_SIZE, CONNECTED_OUTPUT_QUEUE_BYTES, 0)
    this.#sealGoodbye()
  }

  /**
   * Has OpenSSL seal a close_notify and keeps it back. It has a sequence number and a nonce of its own, which no
   * other record will have: for OpenSSL it has left, and for the peer it is a packet that is late.
   */
  #sealGoodbye(): void {
    const { onGoodbye } = this.#options
    if (onGoodbye === undefined || this.#state !== 'connected') return
    this.#sentSince = 0
    openssl.SSL_shutdown(this.#ssl)
    openssl.SSL_set_shutdown(this.#ssl, 0)
    const length = openssl.BIO_read(this.#output, scratch.address + OUTPUT_AT, MAX_DATAGRAM_BYTES)
    openssl.drainErrors()
    if (length > 0) onGoodbye(scratch.bytes.subarray(OUTPUT_AT, OUTPUT_AT + length))
  }

  #receive(): void {
    let result = this.#read()
    while (result > 0) {
      this.#options.onData(scratch.bytes.subarray(DATA_AT, DATA_AT + result))
      if (this.#state !== 'connected') return
      result = this.#read()
    }
    const error = openssl.SSL_get_error(this.#ssl, result)
    if (error === SSL_ERROR_ZERO_RETURN) {
      openssl.SSL_shutdown(this.#ssl)
      return this.#end('close-notify')
    }
    if (error !== SSL_ERROR_WANT_READ) return this.#fail()
    // The peer may have lost our last flight and asked for it again.
    this.#flush()
    this.#releaseBuffers()
  }

  /** OpenSSL would keep 16 KB for the next record; it takes them anew when that comes. */
  #releaseBuffers(): void {
    if (this.#isOpen) openssl.SSL_free_buffers(this.#ssl)
  }

  #read(): number {
    openssl.ERR_clear_error()
    return openssl.SSL_read(this.#ssl, scratch.address + DATA_AT, MAX_DATAGRAM_BYTES)
  }

  /** Hands out what OpenSSL wants to send. */
  #flush(): void {
    while (this.#state !== 'closed') {
      const length = openssl.BIO_read(this.#output, scratch.address + OUTPUT_AT, MAX_DATAGRAM_BYTES)
      if (length <= 0) break
      this.#options.onSend(scratch.bytes.subarray(OUTPUT_AT, OUTPUT_AT + length))
    }
    openssl.drainErrors()
  }

  /** OpenSSL's timer runs on its own clock; only the time that is left can be told apart from it. */
  #schedule(): void {
    this.#retransmitAt = undefined
    if (this.#state !== 'handshaking') return
    scratch.bytes.fill(0, 0, TIMEVAL_BYTES)
    if (openssl.SSL_ctrl(this.#ssl, DTLS_CTRL_GET_TIMEOUT, 0, scratch.address) !== 1) return
    this.#retransmitAt = millisOf(this.#clock() + openssl.readTimeval(scratch.address))
  }

  #fail(): void {
    const reason = openssl.sslReasonOf(openssl.drainErrors())
    if (this.#peer === 'refused') return this.#end('fingerprint-mismatch')
    if (reason > SSL_AD_REASON_OFFSET) return this.#end('fatal-alert')
    if (reason === SSL_R_READ_TIMEOUT_EXPIRED) return this.#end('timeout')
    this.#end(this.#state === 'connected' ? 'connection-failed' : 'handshake-failed')
  }

  #end(reason?: DtlsCloseReason): void {
    if (!this.#isOpen) return
    this.#state = 'closing'
    this.#flush()
    this.#state = 'closed'
    openssl.SSL_free(this.#ssl)
    openssl.drainErrors()
    if (reason !== undefined) this.#options.onClosed(reason)
  }
}

/** Datagrams on their way into OpenSSL or out of it: never more than one in, and one flight out. */
function openDatagramQueue(bytes: number): openssl.Address {
  const queue = openssl.demand(openssl.BIO_new(openssl.BIO_s_dgram_mem()), 'BIO_new')
  // It grows when it must; as it comes, it has room for nine datagrams, 15 KB.
  openssl.BIO_ctrl(queue, BIO_C_SET_WRITE_BUF_SIZE, bytes, 0)
  return queue
}

function handleOpenSslTimeout(ssl: openssl.Address): number {
  return openssl.SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0)
}

/** A handshake that has not ended after this long never will. */
export const HANDSHAKE_LIMIT = 30_000

/**
 * RFC 6347 section 4.2.4.1 starts at a second; browsers start at 50 to 100 ms. With the longest pause, flights are
 * sent eleven times within `HANDSHAKE_LIMIT`, where OpenSSL would give up after twelve.
 */
export const FIRST_RETRANSMIT = 100
const LONGEST_RETRANSMIT = 4000

/** The longest datagram that is taken: Firefox's ClientHello has 1,408 bytes, a UDP path seldom more than 1,472. */
const MAX_DATAGRAM_BYTES = 2048

/** How much data fits a datagram that no path fragments; SCTP packets are shorter. */
export const MAX_DTLS_DATA_BYTES = 1400

/**
 * Records after which the goodbye is sealed anew: every peer takes one that is 32 late (RFC 6347 section 4.1.2.6),
 * and a handshake's last flight may have been sent again meanwhile.
 */
export const GOODBYE_RENEWAL = 16

/** Handshake messages are cut to this, as browsers do. */
const DTLS_MTU_BYTES = 1200

/** Scratch memory of all connections of this thread: a timer, then a datagram in, one out, and data. */
const TIMEVAL_BYTES = 16
const INPUT_AT = TIMEVAL_BYTES
const OUTPUT_AT = INPUT_AT + MAX_DATAGRAM_BYTES
const DATA_AT = OUTPUT_AT + MAX_DATAGRAM_BYTES
const scratch = new PacketMemory(DATA_AT + MAX_DATAGRAM_BYTES)

/** First size of a datagram queue, where each datagram takes some 250 bytes more; it is read as soon as it is written. */
const INPUT_QUEUE_BYTES = 2048
/**
 * The same for two flights: one call of OpenSSL may write the next after it has sent the last again, and a queue that
 * would have to grow then refuses, which ends the handshake.
 */
const OUTPUT_QUEUE_BYTES = 8192
/** Once connected: `MAX_DTLS_DATA_BYTES` and its record, or the messages of a last flight that is repeated. */
const CONNECTED_OUTPUT_QUEUE_BYTES = 4096

// bio.h, ssl.h, sslerr.h

const BIO_C_SET_WRITE_BUF_SIZE = 136
const SSL_CTRL_SET_MTU = 17
const DTLS_CTRL_GET_TIMEOUT = 73
const DTLS_CTRL_HANDLE_TIMEOUT = 74
const SSL_ERROR_WANT_READ = 2
const SSL_ERROR_ZERO_RETURN = 6
/** A received alert is an error with the reason 1000 + its number. */
const SSL_AD_REASON_OFFSET = 1000
const SSL_R_READ_TIMEOUT_EXPIRED = 312
