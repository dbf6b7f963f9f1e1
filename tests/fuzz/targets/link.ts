/** Datagrams of the link (`shared/link/frame`). */

import { readFileSync } from 'node:fs'
import { concatBytes, fromHex } from '#shared/bytes'
import {
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  LinkReader,
  MAX_FRAME_HEADER_BYTES,
  writeFrameHeader,
} from '#shared/link/frame'
import { readAmongOthers } from '../among-others.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const link: FuzzTarget = {
  name: 'link',
  maxBytes: 2_048,
  seeds: linkVectors,
  run(input) {
    const datagram = readAmongOthers(input, readDatagram)
    if (typeof datagram === 'string') return datagram
    const { fault, frames, readBytes } = datagram
    mustHold(frames.length * 10 <= input.length * 2, 'more frames than fit')
    mustEqual(
      concatBytes(...frames),
      input.slice(LINK_HEADER_BYTES, readBytes),
      'frames written again differ',
    )
    mustHold(fault !== undefined || readBytes === input.length, 'bytes behind the last frame')
    return `data-${Math.min(frames.length / 2, 3)}${fault === undefined ? '' : `-${fault}`}`
  },
}

/** The datagrams that docs/link.md freezes, those that are refused included. */
export function linkVectors(): Uint8Array[] {
  const text = readFileSync(new URL('../../vectors/link.json', import.meta.url), 'utf8')
  return [...text.matchAll(/"hex": "([0-9a-f]*)"/g)].map(([, hex = '']) => fromHex(hex) ?? new Uint8Array())
}

const reader = new LinkReader()

/** Reads every frame, and writes it again. */
function readDatagram(memory: Uint8Array, start: number, length: number) {
  const opened = reader.open(memory, start, length)
  if (opened !== undefined || reader.type !== LINK_TYPE_DATA) {
    mustHold(!reader.next(), 'a frame in a datagram that has none')
    return opened ?? 'probe'
  }
  const frames: Uint8Array[] = []
  let readBytes = LINK_HEADER_BYTES
  while (reader.next()) {
    const { client, flags, payloadStart, payloadLength } = reader
    const header = new Uint8Array(MAX_FRAME_HEADER_BYTES)
    const headerBytes = writeFrameHeader(header, 0, client, 0, flags, payloadLength)
    mustEqual(headerBytes, frameHeaderBytes(client, 0), 'two lengths of one header')
    frames.push(header.slice(0, headerBytes), memory.slice(payloadStart, payloadStart + payloadLength))
    readBytes = payloadStart + payloadLength - start
  }
  mustHold(!reader.next(), 'a frame behind the end')
  return { fault: reader.fault, frames, readBytes }
}
