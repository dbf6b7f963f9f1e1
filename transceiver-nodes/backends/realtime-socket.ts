/**
 * The WebSocket of one conversation with a backend: reached, tried again while no session has begun, watched, ended.
 * RFC 6455; the policy is in docs/backends.md.
 *
 * What the messages say is not its business. A session lives in its connection, so one that has begun is not resumed.
 */

import { WebSocket } from 'ws'
import { TokenBucket } from '#shared/token-bucket'
import { monotonicNow } from '#shared/platform/clock'
import type { BackendEnd } from './backend-fault.ts'
import type { RealtimeLimits } from './realtime-limits.ts'

/** Where a backend is; headers hold secrets and are never logged. */
export interface SocketTarget {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Offered in this order; the backend has to choose one if there is any. */
  readonly subprotocols: readonly string[]
}

/** What a socket tells. */
export interface SocketPorts {
  /** A connection is open; it may happen again until the session has begun. */
  onOpen(subprotocol: string): void
  onText(text: string): void
  /** The bytes are valid during the call only. */
  onBinary(bytes: Uint8Array): void
  /** Once: nothing comes after it, and nothing can be sent. */
  onEnd(reason: BackendEnd): void
}

/** A connection to a backend. */
export class RealtimeSocket {
  readonly #target: SocketTarget
  readonly #ports: SocketPorts
  readonly #limits: RealtimeLimits
  readonly #messages: TokenBucket
  readonly #bytes: TokenBucket
  #webSocket: WebSocket | undefined
  #attempts = 0
  #hasBegun = false
  #hasEnded = false
  #isHeard = false
  /** Of the attempt, or of the pause before the next. */
  #timer: NodeJS.Timeout | undefined
  #pings: NodeJS.Timeout | undefined

  constructor(target: SocketTarget, ports: SocketPorts, limits: RealtimeLimits) {
    this.#target = target
    this.#ports = ports
    this.#limits = limits
    const now = monotonicNow()
    this.#messages = new TokenBucket(limits.messageBurst, limits.messagesPerSecond, now)
    this.#bytes = new TokenBucket(limits.byteBurst, limits.bytesPerSecond, now)
    this.#connect()
  }

  /** Bytes that have been given to `send` and not yet to the kernel. */
  get unsentBytes(): number {
    return this.#webSocket?.bufferedAmount ?? 0
  }

  /** Says that the session has begun: from now on a loss is final, and silence is watched. */
  begin(): void {
    this.#hasBegun = true
    clearTimeout(this.#timer)
    this.#pings = setInterval(() => this.#watch(), this.#limits.pingMillis)
  }

  /** Sends a text or a binary message; the bytes are copied. Past the bound the connection ends. */
  send(message: string | Uint8Array): void {
    if (this.#webSocket?.readyState !== WebSocket.OPEN) return
    this.#webSocket.send(message)
    if (this.unsentBytes > this.#limits.unsentBytes) this.#end('backend-stalled')
  }

  /** Ends the connection, without a word to the ports. */
  close(): void {
    this.#hasEnded = true
    this.#release()
    if (this.#webSocket?.readyState === WebSocket.OPEN) this.#webSocket.close(NORMAL_CLOSURE)
    else this.#webSocket?.terminate()
  }

  #connect(): void {
    const { url, headers, subprotocols } = this.#target
    this.#attempts++
    const webSocket = new WebSocket(url, [...subprotocols], {
      headers,
      maxPayload: this.#limits.messageBytes,
      // Audio in base64 hardly compresses, and a compressor per call is 300 KB.
      perMessageDeflate: false,
    })
    this.#webSocket = webSocket
    this.#timer = setTimeout(() => webSocket.terminate(), this.#limits.attemptMillis)
    let end: BackendEnd = 'backend-lost'
    webSocket
      .on('open', () => this.#ports.onOpen(webSocket.protocol))
      .on('message', (data, isBinary) => this.#handleMessage(data as Buffer, isBinary))
      .on('pong', () => (this.#isHeard = true))
      .on('unexpected-response', (_, { statusCode = 0 }) => {
        if (isFinal(statusCode)) end = 'backend-refused'
        webSocket.terminate()
      })
      // Every error is followed by a close, which is where it is dealt with.
      .on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') end = 'backend-flood'
      })
      .on('close', (code) => this.#handleClose(code === NORMAL_CLOSURE ? 'backend-closed' : end))
  }

  #handleMessage(data: Buffer, isBinary: boolean): void {
    if (this.#hasEnded) return
    this.#isHeard = true
    const now = monotonicNow()
    if (!this.#messages.take(now) || !this.#bytes.takeMany(data.length, now))
      return this.#end('backend-flood')
    if (isBinary) this.#ports.onBinary(data)
    else this.#ports.onText(data.toString())
  }

  #handleClose(reason: BackendEnd): void {
    if (this.#hasEnded) return
    clearTimeout(this.#timer)
    if (this.#hasBegun || reason === 'backend-refused') return this.#end(reason)
    if (this.#attempts >= this.#limits.attempts) return this.#end('backend-unreachable')
    this.#timer = setTimeout(() => this.#connect(), this.#pause())
  }

  /** Doubles with each attempt; spread, so that the calls of a lost backend do not come back all at once. */
  #pause(): number {
    return this.#limits.backOffMillis * 2 ** (this.#attempts - 1) * (0.5 + Math.random())
  }

  #watch(): void {
    if (!this.#isHeard) return this.#end('backend-silent')
    this.#isHeard = false
    this.#webSocket?.ping()
  }

  #end(reason: BackendEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#release()
    this.#webSocket?.terminate()
    this.#ports.onEnd(reason)
  }

  #release(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#pings)
  }
}

/** A refusal for a reason that lies in the request; 408 and 429 pass (RFC 9110 sections 15.5.9, RFC 6585 section 4). */
function isFinal(status: number): boolean {
  return status >= 300 && status < 500 && status !== 408 && status !== 429
}

/** RFC 6455 section 7.4.1. */
const NORMAL_CLOSURE = 1000
