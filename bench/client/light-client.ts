/**
 * One call as a browser makes it, for little: real ICE, DTLS and SRTP on this project's own pieces, no audio.
 *
 * It owns no socket and no timer. Whoever owns it moves packets between `transmit` and `handlePacket`, calls
 * `handleTick` every 20 ms or so, and sends audio when it is due. All clients of a thread share one memory.
 * Left out: data channels, RTCP, decoding.
 */

import { toBase64, utf8 } from '#shared/bytes'
import type { Endpoint } from '#shared/endpoint'
import { classifyPacket } from '#shared/packet/classify'
import { RTP_HEADER_BYTES, writeRtpHeader } from '#shared/packet/rtp'
import { hmacSha1, randomBytes, randomU32 } from '#shared/platform/crypto'
import type { PacketMemory } from '#shared/platform/packet-memory'
import type { Millis } from '#shared/time'
import type { DtlsContext } from '../../transceiver-nodes/crypto/dtls-context.ts'
import { DtlsEndpoint } from '../../transceiver-nodes/crypto/dtls.ts'
import { SrtpSession } from '../../transceiver-nodes/crypto/srtp.ts'
import { readAnswer } from './answer.ts'
import { LightIce } from './light-ice.ts'
import { OPUS_PAYLOAD_TYPE, writeOffer } from './offer.ts'

/** What a client is made of. */
export interface LightClientOptions {
  readonly context: DtlsContext
  /** `LIGHT_CLIENT_BYTES` or more, of which packets that arrive lie behind the first `SEND_BYTES`. */
  readonly memory: PacketMemory
  /** Sends a packet to the candidate with this index; its bytes are valid only during the call. */
  readonly transmit: (path: number, packet: Uint8Array) => void
  /** As `LightIceOptions` has it. */
  readonly nominates?: boolean
  /** Takes an authentic RTP packet, decrypted where it lies. */
  readonly onAudio: (start: number, length: number, now: Millis) => void
}

/** A call from the client's side. */
export class LightClient {
  /** The offer, to be posted. */
  readonly offer: string
  /** The relays' client ports, in the order of the answer; paths are indexes of it. */
  candidates: readonly Endpoint[] = []
  readonly #options: LightClientOptions
  readonly #ufrag = toBase64(randomBytes(3))
  readonly #pwd = toBase64(randomBytes(18))
  readonly #ssrc = randomU32()
  #ice: LightIce | undefined
  #dtls: DtlsEndpoint | undefined
  #srtp: SrtpSession | undefined
  #dtlsPath = 0
  #sequence = 0
  #ending: string | undefined

  constructor(options: LightClientOptions) {
    this.#options = options
    const { fingerprint } = options.context
    this.offer = writeOffer({ ufrag: this.#ufrag, pwd: this.#pwd, fingerprint, ssrc: this.#ssrc })
  }

  /** Whether the handshake is over and audio may be sent. */
  get isConnected(): boolean {
    return this.#srtp !== undefined
  }

  /** Why DTLS has ended, if it has. */
  get ending(): string | undefined {
    return this.#ending
  }

  /** The path that audio takes; -1: none yet. */
  get selectedPath(): number {
    return this.#ice?.selected ?? -1
  }

  /** Takes the answer and sends the first checks; throws when it is unusable. */
  handleAnswer(text: string, now: Millis): void {
    const { ufrag, pwd, fingerprint, candidates } = readAnswer(text)
    const { context, transmit } = this.#options
    this.candidates = candidates
    this.#dtls = new DtlsEndpoint({
      context,
      role: 'server',
      fingerprints: [fingerprint],
      onSend: (datagram) => transmit(this.#dtlsPath, datagram),
      onConnected: (keys) => (this.#srtp = new SrtpSession(keys, this.#options.memory)),
      onData: () => {},
      onClosed: (reason) => (this.#ending = reason),
    })
    this.#ice = new LightIce(
      {
        username: `${ufrag}:${this.#ufrag}`,
        localMac: hmacSha1(utf8(this.#pwd)),
        remoteMac: hmacSha1(utf8(pwd)),
        candidates,
        nominates: this.#options.nominates ?? false,
        randomBytes,
        transmit,
      },
      now,
    )
  }

  /** Takes the packet of `length` bytes at `start` of the memory, which a candidate has sent. */
  handlePacket(path: number, start: number, length: number, now: Millis): void {
    const { bytes } = this.#options.memory
    this.#ice?.noteArrival(path, now)
    switch (classifyPacket(bytes, start, length)) {
      case 'stun':
        return this.#ice?.handleStun(path, bytes.slice(start, start + length), now)
      case 'dtls':
        this.#dtlsPath = path
        this.#dtls?.handleDatagram(bytes, start, length)
        return
      case 'rtp':
        return this.#handleRtp(start, length, now)
      default:
    }
  }

  /** Sends one frame of Opus, at 48,000 ticks a second; false: not connected yet. */
  sendAudio(payload: Uint8Array, timestamp: number): boolean {
    const { memory, transmit } = this.#options
    if (this.#srtp === undefined) return false
    writeRtpHeader(
      memory.bytes,
      0,
      OPUS_PAYLOAD_TYPE,
      this.#sequence === 0,
      this.#sequence & 0xffff,
      timestamp,
      this.#ssrc,
    )
    this.#sequence++
    memory.bytes.set(payload, RTP_HEADER_BYTES)
    const sealed = this.#srtp.protectRtp(0, RTP_HEADER_BYTES + payload.length)
    if (typeof sealed === 'string') return false
    transmit(this.selectedPath, memory.bytes.subarray(0, sealed))
    return true
  }

  /** Sends what is due; to be called at least every 20 ms. */
  handleTick(now: Millis): void {
    this.#ice?.handleTimeout(now)
    if (now >= (this.#dtls?.pollTimeout() ?? Infinity)) this.#dtls?.handleTimeout()
  }

  /** Says goodbye and frees everything. */
  close(): void {
    this.#dtls?.close()
    this.#srtp?.close()
    this.#srtp = undefined
  }

  #handleRtp(start: number, length: number, now: Millis): void {
    const plain = this.#srtp?.unprotectRtp(start, length)
    if (typeof plain === 'number') this.#options.onAudio(start, plain, now)
  }
}

/** Room for a packet that is sent, at the beginning of the memory, and for one that arrives, behind it. */
export const SEND_BYTES = 2_048
export const LIGHT_CLIENT_BYTES = 2 * SEND_BYTES
