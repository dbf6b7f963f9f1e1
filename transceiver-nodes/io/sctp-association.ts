/**
 * One SCTP association with a client, over DTLS: werift's, behind guards (RFC 9260, RFC 8261).
 *
 * Only werift's association is used, not its data channels, and packets are handed to it directly, so that
 * every promise it makes is caught here: in its own wiring a bad packet is an unhandled rejection, which ends
 * the process. What it cannot bear never reaches it (`core/sctp/packet.ts`), and TSNs that it would put into the
 * wrong order are shown to it as others (`core/sctp/tsn-shift.ts`).
 *
 * An association can begin without SCTP's handshake: each side's INIT stands in its description, and the moment
 * DTLS is done both are established (draft-hancke-tsvwg-snap-00).
 */

import { Event, RTCSctpTransport } from 'werift'
import type { RTCDtlsTransport } from 'werift'

import { encodeInit } from '../core/sctp/init.ts'
import type { SctpInit } from '../core/sctp/init.ts'
import { MAX_STREAMS, admitSctpPacket } from '../core/sctp/packet.ts'
import type { AssociationState, SctpFault } from '../core/sctp/packet.ts'
import { FIRST_SHOWN_TSN, initialTsnOf, shiftReceived, unshiftSent } from '../core/sctp/tsn-shift.ts'

/** Where an association's output goes. */
export interface AssociationPorts {
  /** Sends a packet to the peer. */
  send(packet: Uint8Array): void
  /** Messages may be sent from now on. */
  onEstablished(): void
  onMessage(stream: number, protocol: number, message: Uint8Array): void
  /** The peer has closed its side of these streams, or has agreed to ours being closed. */
  onStreamsReset(streams: readonly number[]): void
  /** The association has ended, other than by `close`. */
  onEnd(): void
  /** A packet was dropped; `error` is there when werift or one of these ports threw. */
  onFault(fault: SctpFault | 'sctp-internal', error?: unknown): void
}

/** An association that takes the peer's INIT from its construction on, and sends its own when told to. */
export class SctpAssociation {
  readonly #ports: AssociationPorts
  readonly #werift: WeriftAssociation
  /** What is added to the peer's TSNs. */
  #shift = 0
  #hasInitiated = false
  #isClosed = false

  constructor(localPort: number, remotePort: number, receiveWindowBytes: number, ports: AssociationPorts) {
    this.#ports = ports
    this.#werift = createWeriftAssociation(localPort, receiveWindowBytes, (packet) => this.#send(packet))
    this.#werift.onReceive.subscribe((...message) => this.#ports.onMessage(...message))
    this.#werift.onReconfigStreams.subscribe((streams) => this.#ports.onStreamsReset(streams))
    this.#werift.stateChanged.connected.subscribe(() => this.#handleEstablished())
    this.#werift.stateChanged.closed.subscribe(() => this.#handleEnd())
    this.#guard(this.#werift.start(remotePort))
  }

  /** Sends INIT, unless the peer has: when both do, RFC 9260 section 5.2.1 makes one association of the two. */
  initiate(): void {
    if (this.#isClosed || this.#werift.lastReceivedTsn !== undefined) return
    this.#hasInitiated = true
    this.#guard(this.#werift.init())
  }

  /** The INIT chunk that `initiate` would send, for a description. */
  localInit(): Uint8Array {
    const { localVerificationTag, localTsn, advertisedRwnd } = this.#werift
    return encodeInit({
      tag: localVerificationTag,
      windowBytes: advertisedRwnd,
      outboundStreams: MAX_STREAMS,
      inboundStreams: MAX_STREAMS,
      initialTsn: localTsn,
    })
  }

  /** Begins at once with the INIT of the peer's description, which has got ours; the network must be there. */
  establish(peer: SctpInit): void {
    const werift = this.#werift
    if (this.#isClosed || werift.lastReceivedTsn !== undefined) return
    this.#expectFrom(peer.initialTsn)
    werift.lastReceivedTsn = FIRST_SHOWN_TSN - 1
    werift.reconfigResponseSeq = (peer.initialTsn - 1) >>> 0
    werift.remoteVerificationTag = peer.tag
    werift.ssthresh = peer.windowBytes
    werift.peerAdvertisedRwnd = peer.windowBytes
    Object.assign(werift, {
      _inboundStreamsCount: Math.min(peer.outboundStreams, MAX_STREAMS),
      _outboundStreamsCount: Math.min(peer.inboundStreams, MAX_STREAMS),
    })
    werift.setState(WERIFT_ESTABLISHED)
  }

  /** Takes a packet that came out of DTLS; the bytes are copied. */
  handlePacket(bytes: Uint8Array): void {
    if (this.#isClosed) return
    const { packet, fault } = admitSctpPacket(bytes, this.#state())
    if (fault !== undefined) this.#ports.onFault(fault)
    if (packet === undefined) return
    const copy = Buffer.from(packet)
    const initialTsn = initialTsnOf(copy)
    if (initialTsn !== undefined) this.#expectFrom(initialTsn)
    shiftReceived(copy, this.#shift)
    this.#guard(this.#werift.handleData(copy))
    // RFC 6525 section 4.1 counts requests from the TSN as the peer knows it.
    if (initialTsn !== undefined) this.#werift.reconfigResponseSeq = (initialTsn - 1) >>> 0
  }

  /**
   * Sends `message`, ordered and reliable, and resolves when its last fragment is on the network; never when
   * the association ends first. Call it again only then. An empty message would stall the stream for ever.
   */
  async send(stream: number, protocol: number, message: Uint8Array): Promise<void> {
    if (message.length === 0) throw new RangeError('an SCTP message has at least one byte')
    await this.#werift.send(stream, protocol, Buffer.from(message), { ordered: true })
  }

  /** Closes our side of `stream`: RFC 8831 section 6.7. */
  resetStream(stream: number): void {
    if (!this.#werift.reconfigQueue.includes(stream)) this.#werift.reconfigQueue.push(stream)
    this.#guard(this.#werift.transmitReconfigRequest())
  }

  /** Sends ABORT and frees the timers. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#guard(this.#werift.stop())
  }

  #state(): AssociationState {
    const werift = this.#werift
    let heldChunks = 0
    for (const stream of Object.values(werift.inboundStreams)) heldChunks += stream.reassembly.length
    return {
      localTag: werift.localVerificationTag,
      isEstablished: werift.state === 'connected',
      hasInitiated: this.#hasInitiated,
      lastReceivedTsn:
        werift.lastReceivedTsn === undefined ? undefined : (werift.lastReceivedTsn - this.#shift) >>> 0,
      nextTsn: werift.localTsn,
      heldChunks,
      windowBytes: werift.advertisedRwnd,
    }
  }

  #expectFrom(initialTsn: number): void {
    this.#shift = FIRST_SHOWN_TSN - initialTsn
  }

  #handleEstablished(): void {
    // werift goes on repeating its INIT, and gives up in the end, when the peer's own handshake is done first.
    this.#werift.timer1Cancel()
    this.#ports.onEstablished()
  }

  /** werift awaits what its transport returns, and forgets to catch what that throws. */
  async #send(packet: Uint8Array): Promise<void> {
    try {
      unshiftSent(packet, this.#shift)
      this.#ports.send(packet)
    } catch (error) {
      this.#ports.onFault('sctp-internal', error)
    }
  }

  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => this.#ports.onFault('sctp-internal', error))
  }

  #handleEnd(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#ports.onEnd()
  }
}

/** werift's number for the state ESTABLISHED of RFC 9260 section 4. */
const WERIFT_ESTABLISHED = 4

/** What is used of werift's association, some of which its types call private. */
interface WeriftAssociation {
  readonly state: string
  readonly localVerificationTag: number
  lastReceivedTsn: number | undefined
  reconfigResponseSeq: number
  remoteVerificationTag: number
  ssthresh: number
  peerAdvertisedRwnd: number
  readonly localTsn: number
  readonly inboundStreams: Readonly<Record<number, { readonly reassembly: readonly unknown[] }>>
  readonly reconfigQueue: number[]
  readonly onReceive: Event<[stream: number, protocol: number, message: Buffer]>
  readonly onReconfigStreams: Event<[streams: number[]]>
  readonly stateChanged: { readonly connected: Event<[]>; readonly closed: Event<[]> }
  readonly advertisedRwnd: number
  start(remotePort: number): Promise<void>
  setState(state: number): void
  init(): Promise<void>
  timer1Cancel(): void
  handleData(packet: Buffer): Promise<void>
  send(stream: number, protocol: number, message: Buffer, options: { ordered: boolean }): Promise<void>
  transmitReconfigRequest(): Promise<void>
  stop(): Promise<void>
}

/** Takes the association out of werift's transport, which alone is exported, and cuts it off from its channels. */
function createWeriftAssociation(
  localPort: number,
  advertisedRwnd: number,
  sendData: (packet: Uint8Array) => Promise<void>,
): WeriftAssociation {
  const transport = new RTCSctpTransport(localPort)
  // The ICE role is how werift decides who sends INIT: `controlled` waits for it.
  const dtls = { id: '', iceTransport: { role: 'controlled' }, onStateChange: new Event(), sendData }
  transport.setDtlsTransport(dtls as unknown as RTCDtlsTransport)
  const association = transport.sctp
  association.onReceive.allUnsubscribe()
  association.onReconfigStreams.allUnsubscribe()
  association.stateChanged.closed.allUnsubscribe()
  association.stateChanged.connected.allUnsubscribe()
  association.onSackReceived = async () => {}
  const limits = { advertisedRwnd, _inboundStreamsMax: MAX_STREAMS, _outboundStreamsCount: MAX_STREAMS }
  // Of its transport it needs `send` alone, and would keep all of it for the call's life.
  return Object.assign(association as unknown as WeriftAssociation, limits, { transport: { send: sendData } })
}
