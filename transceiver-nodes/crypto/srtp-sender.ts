/**
 * Protects the packets that a session sends: RFC 3711 sections 3.3 and 3.4.
 *
 * The sequence numbers of an SSRC must go up, wraps included. A packet index is used once and never again, not
 * even for the same packet: two packets under one keystream betray each other.
 */

import { readI32, readU16 } from '#shared/bytes'
import type { PacketCipher } from './packet-cipher.ts'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { INDEX_LIMIT, estimateIndex } from './rollover.ts'
import {
  RTCP_INDEX_LIMIT,
  RTCP_SSRC_AT,
  RTP_SEQUENCE_AT,
  RTP_SSRC_AT,
  isRtcpPacket,
  rtpHeaderBytes,
} from './srtp-packet.ts'
import type { SrtpSendFault } from './srtp-packet.ts'
import { StreamTable } from './stream-table.ts'

/** The sending direction; its methods are those of `SrtpSession`. */
export class SrtpSender {
  readonly #memory: PacketMemory
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #streams = new StreamTable<SentStream>()
  #latest: SentStream | undefined

  constructor(memory: PacketMemory, rtp: PacketCipher, rtcp: PacketCipher) {
    this.#memory = memory
    this.#rtp = rtp
    this.#rtcp = rtcp
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return (this.#latest?.highestIndex ?? 0) + this.#rtp.prefetch()
  }

  protectRtp(start: number, length: number): number | SrtpSendFault {
    const { bytes } = this.#memory
    if (!this.#memory.holds(start, length + this.#rtp.rtpTrailerBytes)) return 'srtp-room'
    const headerBytes = rtpHeaderBytes(bytes, start, length)
    if (headerBytes < 0) return 'srtp-short'
    const stream = this.#streamOf(readI32(bytes, start + RTP_SSRC_AT))
    if (stream === undefined) return 'srtp-sources'
    const index = estimateIndex(stream.highestIndex, readU16(bytes, start + RTP_SEQUENCE_AT))
    if (index <= stream.highestIndex) return 'srtp-index'
    if (index >= INDEX_LIMIT) return 'srtp-exhausted'
    stream.highestIndex = index
    if (!this.#rtp.sealRtp(start, headerBytes, length, index)) return 'srtp-cipher'
    return length + this.#rtp.rtpTrailerBytes
  }

  protectRtcp(start: number, length: number): number | SrtpSendFault {
    const { bytes } = this.#memory
    if (!this.#memory.holds(start, length + this.#rtcp.rtcpTrailerBytes)) return 'srtp-room'
    if (!isRtcpPacket(bytes, start, length)) return 'srtp-short'
    const stream = this.#streamOf(readI32(bytes, start + RTCP_SSRC_AT))
    if (stream === undefined) return 'srtp-sources'
    if (stream.nextRtcpIndex >= RTCP_INDEX_LIMIT) return 'srtp-exhausted'
    const index = stream.nextRtcpIndex++
    if (!this.#rtcp.sealRtcp(start, length, index)) return 'srtp-cipher'
    return length + this.#rtcp.rtcpTrailerBytes
  }

  close(): void {
    this.#rtp.close()
    this.#rtcp.close()
  }

  #streamOf(ssrc: number): SentStream | undefined {
    if (this.#latest?.ssrc === ssrc) return this.#latest
    const known = this.#streams.find(ssrc)
    if (known === undefined && this.#streams.isFull) return undefined
    this.#latest = known ?? this.#streams.add({ ssrc, highestIndex: -1, nextRtcpIndex: 0 })
    return this.#latest
  }
}

interface SentStream {
  readonly ssrc: number
  highestIndex: number
  nextRtcpIndex: number
}
