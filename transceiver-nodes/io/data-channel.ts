/**
 * A call's data channel: the text messages of RFC 8831 on the stream that the client opened (RFC 8832).
 *
 * One channel counts, whatever its label; a client that opens a second one has replaced the first. A channel that
 * both sides know of beforehand (`negotiated`, RFC 8832 section 4) is open as soon as the association stands, and
 * either side may write first. Firsthop opens none by DCEP, so which side may use even stream ids (RFC 8832 section 6, by DTLS role) is the client's
 * business alone, and a client that numbers them by another rule is served too. Binary messages are counted
 * and ignored. What waits for a slow client is bounded: beyond that the channel is given up.
 */

import { fromUtf8, utf8 } from '#shared/bytes'
import { encodeChannelAck, parseDcep } from '../core/sctp/dcep.ts'
import type { SctpInit } from '../core/sctp/init.ts'
import type { SctpFault } from '../core/sctp/packet.ts'
import { SctpAssociation } from './sctp-association.ts'

/** Why something that the client sent was dropped. */
export type DataChannelFault =
  | SctpFault
  | 'sctp-internal'
  | 'channel-request'
  | 'channel-unknown'
  | 'message-binary'
  | 'message-not-utf8'
  | 'message-protocol'
  | 'message-too-long'

/** Why there is no channel any more; after the last two there never will be. */
export type DataChannelEnd = 'closed-by-client' | 'association-ended' | 'backlog-full'

/** What a data channel needs and whom it tells. */
export interface DataChannelOptions {
  /** Ports of `a=sctp-port`, RFC 8841 section 5. */
  readonly localPort: number
  readonly remotePort: number
  /** Longest message taken from the client, and given to it. */
  readonly maxMessageBytes: number
  /** The stream of a channel that the client has negotiated beforehand. */
  readonly channelId?: number | undefined
  /** What the client's description says in place of SCTP's handshake. */
  readonly peerInit?: SctpInit | undefined
  /** Sends bytes to the client as DTLS application data. */
  sendDtls(bytes: Uint8Array): void
  onOpen(label: string): void
  onMessage(text: string): void
  onClose(reason: DataChannelEnd): void
  /** Counts a fault; `error` is there when something threw, which is a bug and no doing of the client. */
  onFault(fault: DataChannelFault, error?: unknown): void
}

/** The data channel of one call; listens for the client from construction on, so that no INIT is lost. */
export class DataChannels {
  readonly #options: DataChannelOptions
  readonly #association: SctpAssociation
  readonly #queue: QueuedMessage[] = []
  #queuedBytes = 0
  #isSending = false
  #stream: number | undefined
  #initTimer: NodeJS.Timeout | undefined

  constructor(options: DataChannelOptions) {
    this.#options = options
    const windowBytes = options.maxMessageBytes + WINDOW_SLACK_BYTES
    this.#association = new SctpAssociation(options.localPort, options.remotePort, windowBytes, {
      send: (packet) => options.sendDtls(packet),
      onEstablished: () => this.#handleEstablished(),
      onMessage: (stream, protocol, message) => this.#handleMessage(stream, protocol, message),
      onStreamsReset: (streams) => this.#handleReset(streams),
      onEnd: () => this.#end('association-ended'),
      onFault: (fault, error) => options.onFault(fault, error),
    })
  }

  /** Our INIT chunk for the answer, if the client's description has one. */
  get localInit(): Uint8Array | undefined {
    return this.#options.peerInit && this.#association.localInit()
  }

  /**
   * Says that DTLS stands. With both INITs exchanged in the descriptions SCTP stands too. Else browsers send INIT at once; clients that leave it to the controlling side of ICE
   * (werift, aiortc), a role that the transceiver takes, are sent one.
   */
  handleDtlsConnected(): void {
    if (this.#options.peerInit !== undefined) return this.#association.establish(this.#options.peerInit)
    this.#initTimer = setTimeout(() => this.#association.initiate(), INIT_PATIENCE_MILLIS)
  }

  /** Takes DTLS application data from the client; the bytes are copied. */
  handleDtlsData(bytes: Uint8Array): void {
    this.#association.handlePacket(bytes)
  }

  /** Queues a text message; false when there is no open channel, or when it is too long or one too many. */
  send(text: string): boolean {
    if (this.#stream === undefined) return false
    const message = utf8(text)
    if (message.length > this.#options.maxMessageBytes) return false
    // RFC 8831 section 6.6: SCTP has no empty messages, so one byte stands for them.
    if (message.length === 0) return this.#enqueue(this.#stream, PPID_STRING_EMPTY, EMPTY_MESSAGE)
    return this.#enqueue(this.#stream, PPID_STRING, message)
  }

  /** Ends the association and frees its timers; nothing is reported any more. */
  close(): void {
    this.#stream = undefined
    this.#dropQueue()
    clearTimeout(this.#initTimer)
    this.#association.close()
  }

  #handleEstablished(): void {
    const { channelId } = this.#options
    if (channelId === undefined || this.#stream !== undefined) return
    this.#stream = channelId
    this.#options.onOpen('')
  }

  #enqueue(stream: number, protocol: number, message: Uint8Array): boolean {
    const bytes = message.length + MESSAGE_OVERHEAD_BYTES
    if (this.#queuedBytes + bytes > MAX_BACKLOG_BYTES) {
      this.#association.close()
      this.#end('backlog-full')
      return false
    }
    this.#queue.push({ stream, protocol, message, bytes })
    this.#queuedBytes += bytes
    if (!this.#isSending) void this.#sendQueue()
    return true
  }

  /** Hands messages over one at a time: the association's own queue costs it the square of its length. */
  async #sendQueue(): Promise<void> {
    this.#isSending = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        await this.#association.send(next.stream, next.protocol, next.message)
        this.#queuedBytes -= next.bytes
      }
    } catch (error) {
      this.#options.onFault('sctp-internal', error)
    }
    this.#isSending = false
  }

  #handleMessage(stream: number, protocol: number, message: Uint8Array): void {
    if (protocol === PPID_DCEP) return this.#handleDcep(stream, message)
    if (stream !== this.#stream) return this.#options.onFault('channel-unknown')
    if (protocol === PPID_STRING_EMPTY) return this.#options.onMessage('')
    if (protocol === PPID_BINARY || protocol === PPID_BINARY_EMPTY)
      return this.#options.onFault('message-binary')
    if (protocol !== PPID_STRING) return this.#options.onFault('message-protocol')
    if (message.length > this.#options.maxMessageBytes) return this.#options.onFault('message-too-long')
    const text = fromUtf8(message)
    if (text === undefined) return this.#options.onFault('message-not-utf8')
    this.#options.onMessage(text)
  }

  #handleDcep(stream: number, message: Uint8Array): void {
    const request = parseDcep(message)
    if (request === undefined) return this.#options.onFault('channel-request')
    if (request === 'ack') return this.#options.onFault('channel-unknown')
    const isQueued = this.#enqueue(stream, PPID_DCEP, encodeChannelAck())
    if (!isQueued || stream === this.#stream) return
    if (this.#stream !== undefined) this.#association.resetStream(this.#stream)
    this.#stream = stream
    this.#options.onOpen(request.label)
  }

  #handleReset(streams: readonly number[]): void {
    if (this.#stream !== undefined && streams.includes(this.#stream)) this.#end('closed-by-client')
  }

  #end(reason: DataChannelEnd): void {
    this.#stream = undefined
    this.#dropQueue()
    this.#options.onClose(reason)
  }

  #dropQueue(): void {
    for (const { bytes } of this.#queue.splice(0)) this.#queuedBytes -= bytes
  }
}

interface QueuedMessage {
  readonly stream: number
  readonly protocol: number
  readonly message: Uint8Array
  /** What it counts for in the backlog. */
  readonly bytes: number
}

/** What may wait for a client that takes no data: minutes of events. */
export const MAX_BACKLOG_BYTES = 1024 * 1024

/** How long the client may take to send INIT: it follows the end of the DTLS handshake at once, or not at all. */
const INIT_PATIENCE_MILLIS = 50

/** What a queued message takes besides its bytes. */
const MESSAGE_OVERHEAD_BYTES = 128

/** Receive window beyond the longest message: room for those behind it while a fragment is repeated. */
const WINDOW_SLACK_BYTES = 65_536

/** Payload protocol identifiers, RFC 8831 section 8. */
const PPID_DCEP = 50
const PPID_STRING = 51
const PPID_BINARY = 53
const PPID_STRING_EMPTY = 56
const PPID_BINARY_EMPTY = 57

const EMPTY_MESSAGE = new Uint8Array(1)
