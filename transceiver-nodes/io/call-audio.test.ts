import { beforeEach, expect, test } from 'vitest'
import { parseRtcp } from '#shared/packet/rtcp'
import type { RtcpPacket } from '#shared/packet/rtcp'
import { millisOf } from '#shared/time'
import { Playout } from '../core/media/playout.ts'
import { CallAudio } from './call-audio.ts'

/** Keeps the RTCP that is written, as a peer's frame would hold it. */
class Wire {
  isConnected = true
  hasConsent = true
  readonly memory = new Uint8Array(2_000)
  readonly reports: (readonly RtcpPacket[])[] = []

  beginPacket(): number {
    return this.hasConsent ? 100 : -1
  }

  commitRtp(): void {}

  commitRtcp(start: number, length: number): void {
    const packets = parseRtcp(this.memory.subarray(start, start + length))
    if (typeof packets === 'string') throw new Error(packets)
    this.reports.push(packets)
  }
}

let wire: Wire
let audio: CallAudio
beforeEach(() => {
  wire = new Wire()
  audio = new CallAudio({
    peer: wire,
    playout: new Playout(),
    codec: { name: 'pcmu', payloadType: 0 },
    ssrc: 7,
    cname: 'server',
    firstSequence: 1,
    firstTimestamp: 2,
    memory: wire.memory,
    listener: { inputFormat: 'pcm', handleAudio: () => {}, handlePacket: () => {} },
  })
})

function kindsOf(packets: readonly RtcpPacket[] | undefined): string[] | undefined {
  return packets?.map(({ kind }) => kind)
}

test('a call reports every second, and in its BYE what it has sent in all', () => {
  for (let frame = 0; frame < 100; frame++) audio.tick(frame, 1, millisOf(1_000 + 20 * frame))
  audio.sendBye(millisOf(3_010))
  expect(wire.reports).toHaveLength(3)
  expect(wire.reports.slice(0, 2).map(kindsOf)).toEqual([REPORT, REPORT])
  expect(wire.reports[2]).toMatchObject([{ packetCount: 100 }, {}, { kind: 'goodbye', ssrcs: [7] }])
})

test('a call that has sent nothing says nothing: RFC 3550 section 6.3.7', () => {
  audio.sendBye(millisOf(1_000))
  expect(wire.reports).toEqual([])
})

test('a call that may not send says nothing either', () => {
  audio.tick(0, 1, millisOf(1_000))
  wire.hasConsent = false
  audio.sendBye(millisOf(1_010))
  expect(wire.reports).toHaveLength(1)
})

const REPORT = ['sender-report', 'source-description']
