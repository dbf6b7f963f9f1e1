/** What a datagram claims to be, RTP headers, Opus packets and DTLS records: readers of a few fields each. */

import { concatBytes } from '#shared/bytes'
import { classifyPacket } from '#shared/packet/classify'
import { rtpHeaderBytes, RtpView, writeRtpHeader } from '#shared/packet/rtp'
import { lostFrameToc, OpusPacketView } from '../../../transceiver-nodes/core/media/opus-packet.ts'
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
  const { durationMillis, frameCount, mode, channels, isDtx } = opusView
  mustHold(durationMillis >= 2.5 && durationMillis <= 120, 'an Opus packet of impossible duration')
  mustHold(frameCount >= 1 && frameCount <= 48, 'an Opus packet with an impossible number of frames')
  const toc = lostFrameToc(memory[start] ?? 0)
  mustEqual(opusView.read(Uint8Array.of(toc), 0, 1), undefined, 'a concealed frame is no packet')
  mustEqual([opusView.mode, opusView.channels, opusView.durationMillis], [mode, channels, 20], 'concealment')
  return `${mode}-${channels}${isDtx ? '-dtx' : ''}`
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
