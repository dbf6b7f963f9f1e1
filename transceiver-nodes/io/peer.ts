/**
 * The transport of one call: ICE, DTLS, SRTP and the data channel, over the link. docs/transceiver.md.
 *
 * It moves bytes and knows nothing of audio or events; `PeerEvents` is how the call above it learns what came.
 */

import { FRAME_FLAG_BIND, FRAME_FLAG_UNBIND } from '#shared/link/frame'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { TransceiverDrop } from './drops.ts'
import type { Goodbye, GoodbyeSlab } from '../core/goodbye-slab.ts'
import { IceAgent } from '../core/ice/agent.ts'
import type { IceFault, IceParameters } from '../core/ice/agent.ts'
import type { IceCommand } from '../core/ice/commands.ts'
import { IcePath } from '../core/ice/path.ts'
import type { StunArrival } from '../core/ice/paths.ts'
import type { LinkWriter } from '../core/link-writer.ts'
import type { SctpInit } from '../core/sctp/init.ts'
import { DtlsEndpoint } from '../crypto/dtls.ts'
import type { DtlsRole } from '../crypto/dtls.ts'
import type { DtlsContext } from '../crypto/dtls-context.ts'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { SRTP_TRAILER_BYTES, SrtpSession } from '../crypto/srtp.ts'
import type { SrtpKeys } from '../crypto/srtp-profile.ts'
import { DataChannels } from './data-channel.ts'
import type { DataChannelEnd, DataChannelFault } from './data-channel.ts'

/** What a peer reports to its call. */
export interface PeerEvents {
  /** The keys are there: media may flow. */
  onConnected(): void
  onChannelOpen(): void
  onChannelClose(): void
  onMessage(text: string): void
  /** Something that the client sent was dropped; `error` is there when a bug showed. */
  onFault(fault: DataChannelFault, error?: unknown): void
  /** The transport has ended by itself. */
  onEnd(reason: string): void
}

/** What a peer is made of. */
export interface PeerOptions {
  readonly ice: IceParameters
  readonly dtlsContext: DtlsContext
  readonly dtlsRole: DtlsRole
  /** SHA-256 fingerprints that the offer allows, upper-case hex with colons. */
  readonly fingerprints: readonly string[]
  /** Undefined: the offer has no data channel. */
  readonly sctp:
    | {
        readonly port: number
        readonly maxMessageBytes: number
        /** The client's INIT, if its offer has one; the answer then has ours. */
        readonly peerInit: SctpInit | undefined
        /** The stream of a channel that the client has negotiated beforehand. */
        readonly channelId: number | undefined
      }
    | undefined
  readonly memory: PacketMemory
  readonly writer: LinkWriter
  /** Where the session's goodbye is kept for whoever outlives this thread. */
  readonly goodbyes: GoodbyeSlab | undefined
  /** Asks for what has been written outside the loop's own turns to be sent. */
  readonly requestFlush: () => void
  /** Routes packets of a path to this peer's call, or no longer. */
  readonly bindPath: (path: IcePath) => void
  readonly unbindPath: (path: IcePath) => void
  readonly events: PeerEvents
}

/** The transport of one call. */
export class Peer {
  readonly ice: IceAgent
  readonly #options: PeerOptions
  readonly #memory: PacketMemory
  readonly #writer: LinkWriter
  readonly #dtls: DtlsEndpoint
  readonly #channels: DataChannels | undefined
  #srtp: SrtpSession | undefined
  #goodbye: Goodbye | undefined
  #hasStarted = false
  #hasEnded = false
  #hasConsent = true

  constructor(options: PeerOptions, now: Millis) {
    this.#options = options
    this.#memory = options.memory
    this.#writer = options.writer
    this.ice = new IceAgent(options.ice, now)
    this.#dtls = new DtlsEndpoint({
      context: options.dtlsContext,
      role: options.dtlsRole,
      fingerprints: options.fingerprints,
      onSend: (bytes) => this.#send(bytes),
      onConnected: (keys) => this.#handleKeys(keys),
      onGoodbye: options.goodbyes && ((record) => this.#keepGoodbye(record)),
      onData: (bytes) => this.#channels?.handleDtlsData(bytes),
      onClosed: (reason) => this.#fail(`dtls-${reason}`),
    })
    this.#channels = this.#openChannels()
  }

  /** True once media may be sent. */
  get isConnected(): boolean {
    return this.#srtp !== undefined
  }

  /** Our INIT chunk for the answer, if the offer has one. */
  get sctpInit(): Uint8Array | undefined {
    return this.#channels?.localInit
  }

  handleStun(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const path = this.ice.handleStun(arrival, now)
    if (path instanceof IcePath) this.#options.bindPath(path)
    return path
  }

  /** Takes a DTLS datagram; returns why it was dropped. */
  handleDtls(start: number, length: number): TransceiverDrop | undefined {
    return this.#dtls.handleDatagram(this.#memory.bytes, start, length)
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    const path = this.#path
    const ofPath = path === undefined ? 0 : path.heardAt + (path.client[0] ?? 0)
    return ofPath + (this.#srtp?.prefetch() ?? 0)
  }

  /** Decrypts SRTP in place; returns the length of the RTP packet, or why it was dropped. */
  unprotectRtp(start: number, length: number, path: IcePath, now: Millis): number | TransceiverDrop {
    if (this.#srtp === undefined) return 'srtp-too-early'
    const plain = this.#srtp.unprotectRtp(start, length)
    if (typeof plain === 'number') path.heardAt = now
    return plain
  }

  /** Decrypts SRTCP in place; returns the length of the compound packet, or why it was dropped. */
  unprotectRtcp(start: number, length: number, path: IcePath, now: Millis): number | TransceiverDrop {
    if (this.#srtp === undefined) return 'srtp-too-early'
    const plain = this.#srtp.unprotectRtcp(start, length)
    if (typeof plain === 'number') path.heardAt = now
    return plain
  }

  /** Opens a frame for an RTP or RTCP packet of up to `maxBytes` and returns where to write it; -1: not now. */
  beginPacket(maxBytes: number): number {
    const path = this.#path
    if (path === undefined || this.#srtp === undefined) return -1
    return this.#writer.begin(path, 0, maxBytes + SRTP_TRAILER_BYTES)
  }

  /** Encrypts the RTP packet that was written at `start` and closes its frame. */
  commitRtp(start: number, length: number): void {
    const sealed = this.#srtp?.protectRtp(start, length)
    this.#writer.commit(typeof sealed === 'number' ? sealed : 0)
  }

  /** Encrypts the RTCP packet that was written at `start` and closes its frame. */
  commitRtcp(start: number, length: number): void {
    const sealed = this.#srtp?.protectRtcp(start, length)
    this.#writer.commit(typeof sealed === 'number' ? sealed : 0)
  }

  /** Sends a text message on the data channel; false: it is not open, or has too much to send already. */
  sendMessage(text: string): boolean {
    return this.#channels?.send(text) ?? false
  }

  pollTimeout(): Millis | undefined {
    const ice = this.ice.pollTimeout()
    const dtls = this.#dtls.pollTimeout()
    if (ice === undefined || dtls === undefined) return ice ?? dtls
    return millisOf(Math.min(ice, dtls))
  }

  handleTimeout(now: Millis): void {
    this.ice.handleTimeout(now)
    this.#addressGoodbye()
    if (now >= (this.#dtls.pollTimeout() ?? Infinity)) this.#dtls.handleTimeout()
  }

  /** Does what the ICE agent has decided. */
  flush(): void {
    for (let c = this.ice.nextCommand(); c !== undefined; c = this.ice.nextCommand()) this.#execute(c)
  }

  /** Says goodbye and frees everything; idempotent. */
  close(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#channels?.close()
    this.#dtls.close()
    this.#goodbye?.close()
    for (const path of this.ice.paths) this.#release(path)
    this.#srtp?.close()
    this.#srtp = undefined
  }

  #execute(command: IceCommand): void {
    switch (command.type) {
      case 'transmit':
        this.#writer.write(command.path, command.message, command.binds ? FRAME_FLAG_BIND : 0)
        return
      case 'select':
        this.#addressGoodbye()
        return this.#start()
      case 'forget':
        return this.#release(command.path)
      case 'expire':
        this.#hasConsent = false
        return this.#fail('consent-expired')
    }
  }

  /** As the active side, sends the ClientHello beside the answer to the first check: a round trip saved. */
  #start(): void {
    if (this.#hasStarted) return
    this.#hasStarted = true
    this.#dtls.start()
  }

  #keepGoodbye(record: Uint8Array): void {
    this.#goodbye ??= this.#options.goodbyes?.open()
    this.#goodbye?.seal(record)
    this.#addressGoodbye()
  }

  /** With every timeout of ICE as well: another relay behind the VIP may have taken the path over, or have a new cookie. */
  #addressGoodbye(): void {
    if (this.ice.selected !== undefined) this.#goodbye?.follow(this.ice.selected)
  }

  #handleKeys(keys: SrtpKeys): void {
    this.#srtp = new SrtpSession(keys, this.#memory)
    this.#channels?.handleDtlsConnected()
    this.#options.events.onConnected()
  }

  /** Where to send to; undefined: nowhere yet, or no more, not even a goodbye (RFC 7675 section 5.1). */
  get #path(): IcePath | undefined {
    return this.#hasConsent ? this.ice.selected : undefined
  }

  #send(bytes: Uint8Array): void {
    const path = this.#path
    if (path === undefined) return
    this.#writer.write(path, bytes, 0)
    this.#options.requestFlush()
  }

  #release(path: IcePath): void {
    this.#options.unbindPath(path)
    this.#writer.write(path, EMPTY, FRAME_FLAG_UNBIND)
  }

  #fail(reason: string): void {
    if (!this.#hasEnded) this.#options.events.onEnd(reason)
  }

  #openChannels(): DataChannels | undefined {
    const { sctp, events } = this.#options
    if (sctp === undefined) return undefined
    return new DataChannels({
      localPort: SCTP_PORT,
      remotePort: sctp.port,
      maxMessageBytes: sctp.maxMessageBytes,
      peerInit: sctp.peerInit,
      channelId: sctp.channelId,
      sendDtls: (bytes) => void this.#dtls.send(bytes),
      onOpen: () => events.onChannelOpen(),
      onMessage: (text) => events.onMessage(text),
      onClose: (reason) => this.#handleChannelEnd(reason),
      onFault: (fault, error) => events.onFault(fault, error),
    })
  }

  /** A client may close its channel and open another; an association that has ended is a client that has left. */
  #handleChannelEnd(reason: DataChannelEnd): void {
    this.#options.events.onChannelClose()
    if (reason !== 'closed-by-client') this.#fail(reason)
  }
}

const EMPTY = new Uint8Array(0)
/** Our own port of the association, as the answer says: RFC 8841 section 5. */
const SCTP_PORT = 5000
