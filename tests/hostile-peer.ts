/**
 * A client that has been let in and then sends what it likes: its ICE, DTLS and SRTP are right, so what it sends is
 * authentic; the bytes inside are the test's. With SNAP (docs/sdp.md) it has an SCTP association without a handshake,
 * so that any chunk reaches the guards of one that stands. It hears its own call's audio, as a neighbour would.
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { concatBytes, toBase64, utf8, writeU16, writeU32 } from '#shared/bytes'
import type { Endpoint } from '#shared/endpoint'
import { classifyPacket } from '#shared/packet/classify'
import { parseRtcp } from '#shared/packet/rtcp'
import type { RtcpPacket } from '#shared/packet/rtcp'
import { RTP_HEADER_BYTES, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { monotonicNow } from '#shared/platform/clock'
import { hmacSha1, randomBytes, randomU32 } from '#shared/platform/crypto'
import { PacketMemory } from '#shared/platform/packet-memory'
import { fromBase64 } from '#shared/bytes'
import { LightIce } from '../bench/client/light-ice.ts'
import { readAnswer } from '../bench/client/answer.ts'
import { encodeInit, parseInit } from '../transceiver-nodes/core/sctp/init.ts'
import { withChecksum } from '../transceiver-nodes/core/sctp/packet.ts'
import { createCertificate } from '../transceiver-nodes/crypto/certificate.ts'
import { DtlsContext } from '../transceiver-nodes/crypto/dtls-context.ts'
import { DtlsEndpoint } from '../transceiver-nodes/crypto/dtls.ts'
import { SrtpSession } from '../transceiver-nodes/crypto/srtp.ts'
import { until } from './until.ts'

/** The peer at work. */
export class HostilePeer {
  /** Sequence numbers of the audio that came, in the order in which it came. */
  readonly heard: number[] = []
  /** The RTCP compound packets that came. */
  readonly reports: (readonly RtcpPacket[])[] = []
  /** Why the server has ended the connection, if it has. */
  ending: string | undefined
  /** USERNAME of its checks, and the MAC under the server's password that protects them. */
  username = ''
  remoteMac = hmacSha1(new Uint8Array(1))
  /** The verification tag that the server wants, and the next TSN and stream sequence number to send. */
  serverTag = 0
  tsn = 5_000
  readonly #socket: Socket
  readonly #memory = new PacketMemory(8_192)
  readonly #context = new DtlsContext(createCertificate())
  readonly #rtp = new RtpView()
  readonly #ufrag = toBase64(randomBytes(3))
  readonly #pwd = toBase64(randomBytes(18))
  readonly #ssrc = randomU32()
  readonly #timer: NodeJS.Timeout
  #candidates: readonly Endpoint[] = []
  #ice: LightIce | undefined
  #dtls: DtlsEndpoint | undefined
  #srtp: SrtpSession | undefined
  #sequence = 1
  #isSilent = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (packet, { address, port }) => {
      const path = this.#candidates.findIndex((it) => it.address === address && it.port === port)
      this.#handlePacket(Math.max(0, path), packet)
    })
    this.#timer = setInterval(() => this.#tick(), 20)
  }

  /** Places a call by a function that exchanges an offer for an answer; resolves once it may send anything. */
  static async call(place: (offer: string) => Promise<string>): Promise<HostilePeer> {
    const socket = createSocket('udp4').bind(0)
    await once(socket, 'listening')
    const peer = new HostilePeer(socket)
    peer.#handleAnswer(await place(peer.#offer()))
    await until(() => {
      if (peer.#srtp === undefined) throw new Error('not connected')
    })
    return peer
  }

  /** Sends no audio of its own any more. */
  silence(): void {
    this.#isSilent = true
  }

  /** Sends bytes as they are to the relay in use. */
  send(bytes: Uint8Array): void {
    this.#transmit(Math.max(0, this.#ice?.selected ?? 0), bytes)
  }

  /** Sends bytes as DTLS application data, which the server takes for an SCTP packet. */
  sendData(bytes: Uint8Array): void {
    this.#dtls?.send(bytes)
  }

  /** Sends an SCTP packet of these chunks. */
  sendChunks(...chunks: readonly Uint8Array[]): void {
    this.sendData(sctpPacket(this.serverTag, ...chunks))
  }

  /** Sends one message of one fragment, or as many as it takes. */
  sendMessage(stream: number, protocol: number, message: Uint8Array, sequence = 0): void {
    for (let at = 0; at < message.length || at === 0; at += MAX_FRAGMENT) {
      const flags = (at === 0 ? 2 : 0) | (at + MAX_FRAGMENT >= message.length ? 1 : 0)
      const part = message.subarray(at, at + MAX_FRAGMENT)
      this.sendChunks(dataChunk({ tsn: this.tsn++, stream, sequence, protocol, flags }, part))
    }
  }

  /** Protects an RTP or RTCP packet and sends it. */
  sendMedia(kind: 'rtp' | 'rtcp', packet: Uint8Array): void {
    this.#memory.bytes.set(packet, 4_096)
    const sealed =
      kind === 'rtp'
        ? this.#srtp?.protectRtp(4_096, packet.length)
        : this.#srtp?.protectRtcp(4_096, packet.length)
    if (typeof sealed !== 'number') throw new Error(`not sealed: ${sealed}`)
    this.send(this.#memory.bytes.slice(4_096, 4_096 + sealed))
  }

  /** An RTP packet of the peer's stream, the next in order. */
  rtpPacket(payload: Uint8Array, payloadType = 111): Uint8Array {
    const packet = concatBytes(new Uint8Array(RTP_HEADER_BYTES), payload)
    const sequence = this.#sequence++ & 0xffff
    writeRtpHeader(packet, 0, payloadType, false, sequence, sequence * 960, this.#ssrc)
    return packet
  }

  close(): void {
    clearInterval(this.#timer)
    this.#dtls?.close()
    this.#srtp?.close()
    this.#srtp = undefined
    this.#context.close()
    this.#socket.close()
  }

  #offer(): string {
    const transport = [
      'c=IN IP4 0.0.0.0',
      `a=ice-ufrag:${this.#ufrag}`,
      `a=ice-pwd:${this.#pwd}`,
      `a=fingerprint:sha-256 ${this.#context.fingerprint}`,
      'a=setup:actpass',
    ]
    const init = { windowBytes: 2 ** 20, outboundStreams: 1024, inboundStreams: 1024, initialTsn: this.tsn }
    return [
      'v=0',
      `o=- ${this.#ssrc} 1 IN IP4 127.0.0.1`,
      's=-',
      't=0 0',
      'a=group:BUNDLE 0 1',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      ...transport,
      'a=mid:0',
      'a=sendrecv',
      'a=rtcp-mux',
      'a=rtpmap:111 opus/48000/2',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      ...transport,
      'a=mid:1',
      'a=sctp-port:5000',
      `a=sctp-init:${toBase64(encodeInit({ tag: PEER_TAG, ...init }))}`,
      '',
    ].join('\r\n')
  }

  #handleAnswer(text: string): void {
    const { ufrag, pwd, fingerprint, candidates } = readAnswer(text)
    this.#candidates = candidates
    const init = parseInit(fromBase64(/a=sctp-init:(\S+)/.exec(text)?.[1] ?? '') ?? new Uint8Array(0))
    this.serverTag = init?.tag ?? 0
    this.username = `${ufrag}:${this.#ufrag}`
    this.remoteMac = hmacSha1(utf8(pwd))
    this.#dtls = new DtlsEndpoint({
      context: this.#context,
      role: 'server',
      fingerprints: [fingerprint],
      onSend: (datagram) => this.send(datagram.slice()),
      onConnected: (keys) => (this.#srtp = new SrtpSession(keys, this.#memory)),
      onData: () => {},
      onClosed: (reason) => (this.ending = reason),
    })
    this.#ice = new LightIce(
      {
        username: this.username,
        localMac: hmacSha1(utf8(this.#pwd)),
        remoteMac: this.remoteMac,
        candidates,
        randomBytes,
        transmit: (path, packet) => this.#transmit(path, packet),
      },
      monotonicNow(),
    )
  }

  #handlePacket(path: number, packet: Uint8Array): void {
    const { bytes } = this.#memory
    const now = monotonicNow()
    bytes.set(packet, 0)
    this.#ice?.noteArrival(path, now)
    const kind = classifyPacket(packet, 0, packet.length)
    if (kind === 'stun') this.#ice?.handleStun(path, Uint8Array.from(packet), now)
    if (kind === 'dtls') this.#dtls?.handleDatagram(bytes, 0, packet.length)
    if (kind === 'rtcp') this.#handleRtcp(packet.length)
    if (kind !== 'rtp') return
    const plain = this.#srtp?.unprotectRtp(0, packet.length)
    if (typeof plain !== 'number' || this.#rtp.read(bytes, 0, plain) !== undefined) return
    this.heard.push(this.#rtp.sequence)
  }

  #handleRtcp(length: number): void {
    const plain = this.#srtp?.unprotectRtcp(0, length)
    if (typeof plain !== 'number') return
    const packets = parseRtcp(this.#memory.bytes.slice(0, plain))
    if (typeof packets === 'string') throw new Error(`the server has sent RTCP that is ${packets}`)
    this.reports.push(packets)
  }

  #tick(): void {
    this.#ice?.handleTimeout(monotonicNow())
    if (monotonicNow() >= (this.#dtls?.pollTimeout() ?? Infinity)) this.#dtls?.handleTimeout()
    if (this.#srtp !== undefined && !this.#isSilent) this.sendMedia('rtp', this.rtpPacket(OPUS_SILENCE))
  }

  #transmit(path: number, packet: Uint8Array): void {
    const to = this.#candidates[path]
    if (to !== undefined) this.#socket.send(packet.slice(), to.port, to.address, () => {})
  }
}

/** An SCTP packet with a right checksum, RFC 9260 section 3. */
export function sctpPacket(tag: number, ...chunks: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(12)
  writeU16(header, 0, 5000)
  writeU16(header, 2, 5000)
  writeU32(header, 4, tag)
  return withChecksum(concatBytes(header, ...chunks))
}

/** A chunk with its length, padded, RFC 9260 section 3.2. */
export function chunk(type: number, flags: number, body: Uint8Array, length = body.length + 4): Uint8Array {
  const bytes = new Uint8Array((body.length + 7) & ~3)
  bytes.set([type, flags])
  writeU16(bytes, 2, length)
  bytes.set(body, 4)
  return bytes
}

/** What a DATA chunk says, RFC 9260 section 3.3.1. */
export interface DataFields {
  readonly tsn: number
  readonly stream: number
  readonly sequence: number
  readonly protocol: number
  readonly flags: number
}

/** A DATA chunk. */
export function dataChunk(
  { tsn, stream, sequence, protocol, flags }: DataFields,
  data: Uint8Array,
): Uint8Array {
  const fixed = new Uint8Array(12)
  writeU32(fixed, 0, tsn)
  writeU16(fixed, 4, stream)
  writeU16(fixed, 6, sequence)
  writeU32(fixed, 8, protocol)
  return chunk(0, flags, concatBytes(fixed, data))
}

/** The verification tag that the peer wants. */
const PEER_TAG = 0x0bad_cafe
const MAX_FRAGMENT = 1_100

/** One frame of Opus silence, RFC 6716 section 3.1. */
const OPUS_SILENCE = new Uint8Array([0xf8, 0xff, 0xfe])
