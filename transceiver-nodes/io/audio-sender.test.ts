import { beforeEach, describe, expect, test } from 'vitest'
import { RTP_HEADER_BYTES, RtpView } from '#shared/packet/rtp'
import { millisOf } from '#shared/time'
import type { ClientCodec } from '../backends/backend.ts'
import { FRAME_MILLIS, FRAME_SAMPLES, MAX_CATCH_UP_FRAMES, Pacer } from '../core/media/pacer.ts'
import { Playout } from '../core/media/playout.ts'
import { AudioSender } from './audio-sender.ts'
import { CALL_CODECS } from './call-codec.ts'

const PART = { responseId: 'r', itemId: 'i', contentIndex: 0 }
const START = 1_000

interface Sent {
  readonly sequence: number
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: readonly number[]
}

/** Keeps what is written, as a peer's frame would hold it. */
class Wire {
  isConnected = true
  isBlocked = false
  readonly memory = new Uint8Array(2_000)
  readonly sent: Sent[] = []

  beginPacket(maxBytes: number): number {
    return this.isBlocked || maxBytes > 1_400 ? -1 : 100
  }

  commitRtp(start: number, length: number): void {
    const rtp = new RtpView()
    expect(rtp.read(this.memory, start, length)).toBeUndefined()
    const { sequence, timestamp, marker } = rtp
    this.sent.push({
      sequence,
      timestamp,
      marker,
      payload: [...this.memory.subarray(start + RTP_HEADER_BYTES, start + length)],
    })
  }
}

let wire: Wire
let playout: Playout
beforeEach(() => {
  wire = new Wire()
  playout = new Playout()
})

describe('AudioSender', () => {
  test.each(['opus', 'pcmu', 'pcma'] as const)(
    'sends a packet of %s for every frame, silence included',
    (codec) => {
      const sender = open(codec)
      for (let frame = 0; frame < 3; frame++) sender.tick(frame)
      const ticks = CALL_CODECS[codec].format.clockRateHz / 50
      expect(wire.sent.map(({ sequence }) => sequence)).toEqual([65_534, 65_535, 0])
      expect(wire.sent.map(({ timestamp }) => timestamp)).toEqual([0xffff_ffff, ticks - 1, 2 * ticks - 1])
      for (const { payload } of wire.sent) expect(payload).toEqual([...CALL_CODECS[codec].silence])
      expect(sender.hasSpoken).toBe(false)
    },
  )

  test('marks the first packet of each talkspurt', () => {
    const sender = open('opus')
    sender.tick(0)
    playout.enqueue(PART, new Int16Array(2 * FRAME_SAMPLES).fill(500))
    playout.finish(PART)
    for (let frame = 1; frame < 5; frame++) sender.tick(frame)
    expect(wire.sent.map(({ marker }) => marker)).toEqual([false, true, false, false, false])
    expect(sender).toMatchObject({ hasSpoken: true, packetCount: 5 })
    expect(sender.octetCount).toBe(wire.sent.reduce((sum, { payload }) => sum + payload.length, 0))
  })

  test('sends packets of the backend as they are', () => {
    const sender = open('pcmu')
    const packet = Uint8Array.from({ length: 160 }, (_, i) => i)
    playout.enqueuePacket(PART, packet)
    sender.tick(0)
    expect(wire.sent[0]?.payload).toEqual([...packet])
  })

  test('loses no sequence number, and no time, to a path that is not there', () => {
    const sender = open('opus')
    wire.isBlocked = true
    sender.tick(1)
    wire.isBlocked = false
    playout.enqueue(PART, new Int16Array(FRAME_SAMPLES).fill(500))
    sender.tick(2)
    expect(wire.sent.map(({ sequence }) => sequence)).toEqual([65_534])
    expect(wire.sent[0]).toMatchObject({ timestamp: 2 * 960 - 1 })
  })

  test('keeps what the backend says until the call is connected', () => {
    const sender = open('opus')
    wire.isConnected = false
    playout.enqueue(PART, new Int16Array(FRAME_SAMPLES).fill(500))
    for (let frame = 0; frame < 5; frame++) sender.tick(frame)
    wire.isConnected = true
    sender.tick(5)
    expect(wire.sent.map(({ marker }) => marker)).toEqual([true])
    expect(sender.hasSpoken).toBe(true)
  })

  test('keeps RTP time through a stall, and sends a bounded burst after it', () => {
    const sender = open('opus')
    const pacer = new Pacer(millisOf(START))
    const bursts = [0, 1, 2, 50, 51].map((frame) => {
      const due = pacer.advance(millisOf(START + frame * FRAME_MILLIS + 3))
      for (let i = 0; i < due; i++) sender.tick(pacer.frame + i)
      return due
    })
    expect(bursts).toEqual([1, 1, 1, MAX_CATCH_UP_FRAMES, 1])
    const frames = wire.sent.map(({ timestamp }) => ((timestamp + 1) >>> 0) / 960)
    expect(frames).toEqual([0, 1, 2, 48, 49, 50, 51])
    expect(wire.sent.map(({ sequence }) => (sequence + 2) & 0xffff)).toEqual([0, 1, 2, 3, 4, 5, 6])
  })
})

function open(codec: ClientCodec): AudioSender {
  return new AudioSender({
    peer: wire,
    playout,
    codec: CALL_CODECS[codec],
    clockRateHz: CALL_CODECS[codec].format.clockRateHz,
    payloadType: 111,
    ssrc: 5,
    cname: 'server',
    firstSequence: 65_534,
    firstTimestamp: 0xffff_ffff,
    memory: wire.memory,
  })
}
