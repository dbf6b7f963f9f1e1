/** Packets out of a TCP stream (`relay-nodes/core/rfc4571`), however the stream is cut. */

import { concatBytes, readU16 } from '#shared/bytes'
import { MAX_CLIENT_PAYLOAD_BYTES } from '#shared/link/frame'
import { framePacket, Rfc4571Reader } from '../../../relay-nodes/core/rfc4571.ts'
import { bindingResponse, dtlsPacket, rtpPacket } from '../../../relay-nodes/test-packets.ts'
import { Random } from '../random.ts'
import { mustEqual } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

/** The first byte of an input says how the rest, the stream, is cut. */
export const rfc4571: FuzzTarget = {
  name: 'rfc4571',
  maxBytes: 6_000,
  seeds: () => [
    concatBytes(Uint8Array.of(0), ...[rtpPacket(160), bindingResponse(), dtlsPacket(1_452)].map(framePacket)),
    concatBytes(Uint8Array.of(1), framePacket(NOTHING), framePacket(rtpPacket(1))),
    concatBytes(Uint8Array.of(2), framePacket(dtlsPacket(1_453))),
  ],
  run(input) {
    const stream = input.subarray(1)
    const expected = readWhole(stream)
    const cut = readChunks(cutUp(stream, input[0] ?? 0))
    mustEqual(cut, expected, 'the packets depend on how the stream is cut')
    mustEqual(readChunks([stream.slice()]), expected, 'the packets differ from those of a naive reader')
    return `packets-${Math.min(cut.packets.length, 3)}${cut.fault === undefined ? '' : `-${cut.fault}`}`
  },
}

interface Reading {
  readonly packets: Uint8Array[]
  readonly fault: 'packet-too-long' | undefined
}

function readChunks(chunks: readonly Uint8Array[]): Reading {
  const reader = new Rfc4571Reader()
  const packets: Uint8Array[] = []
  for (const chunk of chunks) {
    reader.open(chunk)
    while (reader.next()) packets.push(reader.memory.slice(reader.start, reader.start + reader.length))
    // The caller reuses its memory as soon as `next` has said false.
    chunk.fill(0xaa)
  }
  return { packets, fault: reader.fault }
}

/** Reads a stream that is all there, in the simplest way. */
function readWhole(stream: Uint8Array): Reading {
  const packets: Uint8Array[] = []
  for (let at = 0; at + 2 <= stream.length;) {
    const length = readU16(stream, at)
    if (length > MAX_CLIENT_PAYLOAD_BYTES) return { packets, fault: 'packet-too-long' }
    at += 2 + length
    if (at <= stream.length && length > 0) packets.push(stream.slice(at - length, at))
  }
  return { packets, fault: undefined }
}

function cutUp(stream: Uint8Array, seed: number): Uint8Array[] {
  const random = new Random(seed)
  const chunks: Uint8Array[] = []
  for (let at = 0; at < stream.length;) {
    const length = random.oneIn(3) ? random.below(4) : random.below(700)
    chunks.push(stream.slice(at, at + length))
    at += length
  }
  return chunks
}

const NOTHING = new Uint8Array(0)
