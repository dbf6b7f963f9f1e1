/** What a datagram claims to be, RTP headers, RED and Opus packets, and DTLS records: readers of a few fields each. */

import { concatBytes } from '#shared/bytes'
import { classifyPacket } from '#shared/packet/classify'
import { rtpHeaderBytes, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { lostFrameToc, OpusPacketView } from '../../../transceiver-nodes/core/media/opus-packet.ts'
import { RedView } from '../../../transceiver-nodes/core/media/red.ts'
import { hasForgedRecord } from '../../../transceiver-nodes/crypto/dtls-record.ts'
import { datagramVectors, DTLS_VECTORS } from '../../datagram-vectors.ts'
import { readAmongOthers } from '../among-others.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const rtp: FuzzTarget = {
  name: 'rtp',
  maxBytes: 1_500,
  seeds: () => [plainRtp(), extendedRtp(), paddedRtp(), ...datagramVectors('chromium156.dtls')],
  run: (input) => readAmongOthers(input, readRtp),
}

export const red: FuzzTarget = {
  name: 'red',
  maxBytes: 1_200,
  seeds: () => [redOf(2, 3), redOf(0, 0, 1), redOf(1_023, 40), redOf(...Array<number>(8).fill(1))],
  run: (input) => readAmongOthers(input, readRed),
}

export const opus: FuzzTarget = {
  name: 'opus',
  maxBytes: 64,
  seeds: () =>
    Array.from({ length: 32 }, (_, config) => Uint8Array.of((config << 3) | (config & 3), 1, 2, 3)),
  run: (input) => readAmongOthers(input, readOpus),
}

export const dtlsRecord: FuzzTarget = {
  name: 'dtls-record',
  maxBytes: 1_500,
  seeds: () => DTLS_VECTORS.flatMap(datagramVectors).map((datagram) => datagram.slice(0, 200)),
  run(input) {
    const isForged = readAmongOthers(input, hasForgedRecord)
    return isForged ? 'forged' : 'perhaps-genuine'
  },
}

const rtpView = new RtpView()
const opusView = new OpusPacketView()
const redView = new RedView()

function readRtp(memory: Uint8Array, start: number, length: number): string {
  const kind = classifyPacket(memory, start, length)
  const fault = rtpView.read(memory, start, length)
  const headerBytes = rtpHeaderBytes(memory, start, length)
  mustHold(fault === undefined || headerBytes < 0 || fault === 'rtp-padding', 'two readings of one header')
  if (fault !== undefined) return `${kind}-${fault}`
  const { payloadStart, payloadLength } = rtpView
  mustHold(payloadStart === start + headerBytes, 'the payload begins somewhere else')
  mustHold(payloadLength >= 0 && payloadStart + payloadLength <= start + length, 'the payload is outside')
  mustEqual(kind === 'rtp' || kind === 'rtcp', true, 'RTP that is classified as something else')
  mustWriteAgain(memory, start)
  return kind
}

/** The fields of the fixed header, written, are the same bytes, but for CSRC count, extension and padding. */
function mustWriteAgain(memory: Uint8Array, start: number): void {
  const { payloadType, marker, sequence, timestamp, ssrc } = rtpView
  const written = new Uint8Array(12)
  writeRtpHeader(written, 0, payloadType, marker, sequence, timestamp, ssrc)
  mustEqual(written.slice(1), memory.slice(start + 1, start + 12), 'a header written again differs')
}

function readOpus(memory: Uint8Array, start: number, length: number): string {
  const fault = opusView.read(memory, start, length)
  if (fault !== undefined) return fault
  const { durationMillis, frameCount, mode, channels, isDtx, hasFec } = opusView
  mustHold(durationMillis >= 2.5 && durationMillis <= 120, 'an Opus packet of impossible duration')
  mustHold(frameCount >= 1 && frameCount <= 48, 'an Opus packet with an impossible number of frames')
  const toc = lostFrameToc(memory[start] ?? 0)
  mustEqual(opusView.read(Uint8Array.of(toc), 0, 1), undefined, 'a concealed frame is no packet')
  mustEqual([opusView.mode, opusView.channels, opusView.durationMillis], [mode, channels, 20], 'concealment')
  mustHold(!hasFec || (mode !== 'celt' && !isDtx), 'redundancy in a packet that has no room for it')
  return `${mode}-${channels}${isDtx ? '-dtx' : ''}${hasFec ? '-fec' : ''}`
}

function readRed(memory: Uint8Array, start: number, length: number): string {
  const fault = redView.read(memory, start, length)
  if (fault !== undefined) return fault
  const { blockCount } = redView
  mustHold(blockCount >= 1 && blockCount <= 8, 'an impossible number of blocks')
  const first = start + 4 * (blockCount - 1) + 1
  for (let block = 0, at = first; block < blockCount; block++) {
    mustEqual(redView.starts[block], at, 'a block begins somewhere else')
    at += redView.lengths[block] ?? 0
    mustHold(block + 1 < blockCount || at === start + length, 'the blocks are not the packet')
  }
  mustEqual(redHeaders(), memory.slice(start, first), 'headers written again differ')
  return `blocks-${blockCount}${redView.lengths[blockCount - 1] === 0 ? '-empty' : ''}`
}

/** The headers of what was read, RFC 2198 section 3. */
function redHeaders(): Uint8Array {
  const { blockCount, payloadTypes, timestampOffsets, lengths } = redView
  const headers = Array.from({ length: blockCount }, (_, block) => {
    const [type = 0, offset = 0, bytes = 0] = [payloadTypes[block], timestampOffsets[block], lengths[block]]
    const isOwn = block === blockCount - 1
    return isOwn ? [type] : [0x80 | type, offset >> 6, ((offset & 0x3f) << 2) | (bytes >> 8), bytes & 0xff]
  })
  return Uint8Array.from(headers.flat())
}

/** Redundant audio whose blocks have these lengths, each 20 ms after the one before. */
function redOf(...lengths: readonly number[]): Uint8Array {
  const headers = lengths.slice(0, -1).map((bytes, i) => {
    const offset = 960 * (lengths.length - 1 - i)
    return [0x80 | 111, (offset >> 6) & 0xff, ((offset & 0x3f) << 2) | (bytes >> 8), bytes & 0xff]
  })
  const blocks = lengths.map((bytes) => new Uint8Array(bytes).fill(0x55))
  return concatBytes(Uint8Array.from([...headers.flat(), 111]), ...blocks)
}

function plainRtp(): Uint8Array {
  const header = new Uint8Array(12)
  writeRtpHeader(header, 0, 111, true, 65_535, 2 ** 32 - 1, 7)
  return concatBytes(header, new Uint8Array(40).fill(0x55))
}

/** One contributing source, and a one-byte extension of one word. */
function extendedRtp(): Uint8Array {
  const packet = plainRtp()
  packet[0] = 0x91
  packet.set([0, 0, 0, 9, 0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0], 12)
  return packet
}

function paddedRtp(): Uint8Array {
  const packet = plainRtp()
  packet[0] = 0xa0
  packet[packet.length - 1] = 4
  return packet
}
