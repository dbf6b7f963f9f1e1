/**
 * Opens the packets that a session receives: RFC 3711 sections 3.3 and 3.4.
 *
 * A stream is entered, and its window moved, only by an authentic packet: what a forger sends leaves no trace.
 */

import { readI32, readU16, readU32 } from '#shared/bytes'
import type { PacketCipher } from './packet-cipher.ts'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { ReplayWindow } from './replay-window.ts'
import { estimateIndex } from './rollover.ts'
import {
  ENCRYPTED_BIT,
  RTCP_SSRC_AT,
  RTP_SEQUENCE_AT,
  RTP_SSRC_AT,
  isRtcpPacket,
  rtpHeaderBytes,
} from './srtp-packet.ts'
import type { SrtpFault } from './srtp-packet.ts'
import { StreamTable } from './stream-table.ts'

/** The receiving direction; its methods are those of `SrtpSession`. */
export class SrtpReceiver {
  readonly #memory: PacketMemory
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #streams = new StreamTable<ReceivedStream>()
  #latest: ReceivedStream | undefined

  constructor(memory: PacketMemory, rtp: PacketCipher, rtcp: PacketCipher) {
    this.#memory = memory
    this.#rtp = rtp
    this.#rtcp = rtcp
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return (this.#latest?.rtp.highest ?? 0) + this.#rtp.prefetch()
  }

  unprotectRtp(start: number, sealedLength: number): number | SrtpFault {
    const { bytes } = this.#memory
    const length = sealedLength - this.#rtp.rtpTrailerBytes
    if (!this.#memory.holds(start, sealedLength)) return 'srtp-short'
    const headerBytes = rtpHeaderBytes(bytes, start, length)
    if (headerBytes < 0) return 'srtp-short'
    const ssrc = readI32(bytes, start + RTP_SSRC_AT)
    const stream = this.#find(ssrc)
    if (stream === undefined && this.#streams.isFull) return 'srtp-sources'
    const index = estimateIndex(stream?.rtp.highest ?? -1, readU16(bytes, start + RTP_SEQUENCE_AT))
    if (index < 0 || stream?.rtp.isFresh(index) === false) return 'srtp-replay'
    if (!this.#rtp.openRtp(start, headerBytes, length, index)) return 'srtp-auth'
    this.#accept(ssrc, stream).rtp.accept(index)
    return length
  }

  unprotectRtcp(start: number, sealedLength: number): number | SrtpFault {
    const { bytes } = this.#memory
    const length = sealedLength - this.#rtcp.rtcpTrailerBytes
    if (!this.#memory.holds(start, sealedLength)) return 'srtp-short'
    if (!isRtcpPacket(bytes, start, length)) return 'srtp-short'
    const ssrc = readI32(bytes, start + RTCP_SSRC_AT)
    const stream = this.#find(ssrc)
    if (stream === undefined && this.#streams.isFull) return 'srtp-sources'
    const word = readU32(bytes, start + sealedLength - this.#rtcp.rtcpIndexFromEnd)
    const isEncrypted = word >= ENCRYPTED_BIT
    const index = isEncrypted ? word - ENCRYPTED_BIT : word
    if (stream?.rtcp.isFresh(index) === false) return 'srtp-replay'
    if (!this.#rtcp.openRtcp(start, length, index, isEncrypted)) return 'srtp-auth'
    this.#accept(ssrc, stream).rtcp.accept(index)
    return length
  }

  close(): void {
    this.#rtp.close()
    this.#rtcp.close()
  }

  #find(ssrc: number): ReceivedStream | undefined {
    return this.#latest?.ssrc === ssrc ? this.#latest : this.#streams.find(ssrc)
  }

  #accept(ssrc: number, known: ReceivedStream | undefined): ReceivedStream {
    if (known !== undefined && known === this.#latest) return known
    this.#latest = known ?? this.#streams.add({ ssrc, rtp: new ReplayWindow(), rtcp: new ReplayWindow() })
    return this.#latest
  }
}

interface ReceivedStream {
  readonly ssrc: number
  readonly rtp: ReplayWindow
  readonly rtcp: ReplayWindow
}
