/** What of a client's SCTP packet reaches the association, and DCEP (`transceiver-nodes/core/sctp`). */

import { concatBytes, fromHex, readU16, readU8, toHex, utf8, writeU16 } from '#shared/bytes'
import { parseDcep } from '../../../transceiver-nodes/core/sctp/dcep.ts'
import { admitSctpPacket, withChecksum } from '../../../transceiver-nodes/core/sctp/packet.ts'
import type { AssociationState } from '../../../transceiver-nodes/core/sctp/packet.ts'
import type { Random } from '../random.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

/** The first byte of an input chooses the state of the association. */
export const sctp: FuzzTarget = {
  name: 'sctp',
  shares: 2,
  maxBytes: 1_300,
  seeds: () => [
    sctpPacket(1, 0, `01000014 ${word(9)} 00010000 0010 0010 ${word(1)}`),
    sctpPacket(2, TAG, `02000018 ${word(9)} 00010000 0010 0010 ${word(1)} 00070004`),
    sctpPacket(0, TAG, `00030014 ${word(0xfffffff1)} 0001 0000 00000033 01020304`, '0a000004', '0b000004'),
    sctpPacket(0, TAG, `03000014 ${word(0)} 00010000 0001 0000 0001 0002`, '0e000004', `07000008 ${word(3)}`),
    sctpPacket(0, TAG, '0400000c 0001 0008 01020304', '0500000c 0001 0008 01020304', '06000004', '09000004'),
    sctpPacket(
      0,
      TAG,
      `c000000c ${word(0xfffffff2)} 00010001`,
      `82000018 000d 0014 ${word(1)} ${word(2)} ${word(3)} 00010000`,
    ),
    sctpPacket(0, TAG, '80000008 01020304', '41000004'),
  ],
  repair: (input, random) =>
    concatBytes(input.subarray(0, 1), withChecksum(withTag(input.slice(1, MAX_BYTES), random))),
  run(input) {
    const state = STATES[(input[0] ?? 0) % STATES.length] ?? established
    const before = input.slice(1)
    const { packet, fault } = admitSctpPacket(before, state)
    mustEqual(before, input.slice(1), 'a packet is changed where it lies')
    if (packet === undefined) return fault ?? 'nothing'
    mustHold(packet.length <= before.length, 'a packet grows')
    mustEqual(admitSctpPacket(packet, state), { packet, fault: undefined }, 'what is admitted is refused')
    return `${fault ?? 'whole'}-${new Set(chunkTypes(packet)).size}`
  },
}

export const dcep: FuzzTarget = {
  name: 'dcep',
  maxBytes: 600,
  seeds: () => [
    Uint8Array.of(2),
    concatBytes(bytesOf('03 00 0000 00000000 000a 0003'), utf8('oai-events'), utf8('abc')),
    concatBytes(bytesOf('03 82 0100 00000005 0000 0000')),
  ],
  run(input) {
    const message = parseDcep(input)
    if (typeof message !== 'object') return message ?? 'nothing'
    mustHold(utf8(message.label + message.protocol).length === input.length - 12, 'texts of another length')
    return 'open'
  },
}

const TAG = 0x01020304

const established: AssociationState = {
  localTag: TAG,
  isEstablished: true,
  hasInitiated: false,
  lastReceivedTsn: 0xfffffff0,
  nextTsn: 5,
  heldChunks: 0,
  windowBytes: 1_000,
}

const STATES: readonly AssociationState[] = [
  established,
  { ...established, isEstablished: false, lastReceivedTsn: undefined },
  { ...established, isEstablished: false, hasInitiated: true, lastReceivedTsn: undefined },
  { ...established, heldChunks: 1_023, windowBytes: 3 },
]

/** Walks the chunks as the association does, which trusts their lengths. */
function chunkTypes(packet: Uint8Array): number[] {
  const types: number[] = []
  for (let at = 12; at + 4 <= packet.length;) {
    const length = readU16(packet, at + 2)
    mustHold(length >= 4 && at + length <= packet.length, 'an admitted chunk has an impossible length')
    types.push(readU8(packet, at))
    at += (length + 3) & ~3
  }
  return types
}

function withTag(packet: Uint8Array, random: Random): Uint8Array {
  if (packet.length < 12) return concatBytes(packet, new Uint8Array(12 - packet.length))
  const tag = readU8(packet, 12) === 1 && !random.oneIn(8) ? 0 : TAG
  writeU16(packet, 4, tag >>> 16)
  writeU16(packet, 6, tag)
  return packet
}

function sctpPacket(state: number, tag: number, ...chunks: readonly string[]): Uint8Array {
  const packet = bytesOf(`1388 1388 ${word(tag)} 00000000 ${chunks.join('')}`)
  return concatBytes(Uint8Array.of(state), withChecksum(packet))
}

function word(value: number): string {
  return toHex(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value))
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex.replaceAll(' ', '')) ?? new Uint8Array()
}

const MAX_BYTES = 1_300
