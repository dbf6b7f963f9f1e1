import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { writeU16, writeU32 } from '#shared/bytes'
import { drainErrors } from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { REPLAY_WINDOW_PACKETS } from './replay-window.ts'
import { SRTP_TRAILER_BYTES, SrtpSession } from './srtp.ts'
import { SRTP_PREFERENCE, SRTP_PROFILES } from './srtp-profile.ts'
import type { SrtpProfile } from './srtp-profile.ts'
import { MAX_SRTP_STREAMS } from './stream-table.ts'

const memory = new PacketMemory(4096)
const opened: SrtpSession[] = []

afterEach(() => {
  for (const session of opened.splice(0)) session.close()
  expect(drainErrors()).toBe(0)
})

describe.each(SRTP_PREFERENCE)('%s', (profile) => {
  test('opens what it protects, whatever the header', () => {
    const header = fc.record({
      csrcs: fc.integer({ min: 0, max: 15 }),
      extensionWords: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
      ssrc: fc.integer({ min: 0, max: 0xffffffff }),
      sequence: fc.integer({ min: 0, max: 0xffff }),
    })
    const start = fc.integer({ min: 0, max: 100 })
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 1200 }), start, (fields, payload, at) => {
        const { sender, receiver } = sessions(profile)
        const packet = rtpPacket(fields, payload)
        memory.bytes.set(packet, at)
        const sealed = lengthOf(sender.protectRtp(at, packet.length))
        expect(sealed - packet.length).toBe(profile === 'aead-aes-128-gcm' ? 16 : 10)
        const headerBytes = packet.length - payload.length
        expect(memory.bytes.slice(at, at + headerBytes)).toEqual(packet.slice(0, headerBytes))
        if (payload.length > 8) expect(memory.bytes.slice(at, at + packet.length)).not.toEqual(packet)
        expect(receiver.unprotectRtp(at, sealed)).toBe(packet.length)
        expect(memory.bytes.slice(at, at + packet.length)).toEqual(packet)
      }),
    )
  })

  test('opens the RTCP that it protects', () => {
    const body = fc.uint8Array({ maxLength: 1000 })
    fc.assert(
      fc.property(body, fc.integer({ min: 0, max: 0xffffffff }), (reports, ssrc) => {
        const { sender, receiver } = sessions(profile)
        const packet = rtcpPacket(ssrc, reports)
        for (let i = 0; i < 3; i++) {
          memory.bytes.set(packet)
          const sealed = lengthOf(sender.protectRtcp(0, packet.length))
          expect(sealed - packet.length).toBeLessThanOrEqual(SRTP_TRAILER_BYTES)
          expect(receiver.unprotectRtcp(0, sealed)).toBe(packet.length)
          expect(memory.bytes.slice(0, packet.length)).toEqual(packet)
        }
      }),
    )
  })

  test('refuses a packet in which any byte differs', () => {
    const { sender, receiver } = sessions(profile)
    const sealed = seal(sender, rtpPacket({ sequence: 7, csrcs: 1, extensionWords: 1 }, payloadOf(20)))
    for (let at = 0; at < sealed.length; at++) {
      const damaged = sealed.slice()
      damaged[at]! ^= 0x01
      expect(typeof open(receiver, damaged)).toBe('string')
    }
    expect(open(receiver, sealed)).toBe(sealed.length - (profile === 'aead-aes-128-gcm' ? 16 : 10))
  })

  test('refuses an RTCP packet in which any byte differs', () => {
    const { sender, receiver } = sessions(profile)
    const packet = rtcpPacket(5, payloadOf(20))
    const sealed = seal(sender, packet, 'rtcp')
    for (let at = 0; at < sealed.length; at++) {
      const damaged = sealed.slice()
      damaged[at]! ^= 0x01
      expect(typeof open(receiver, damaged, 'rtcp')).toBe('string')
    }
    expect(open(receiver, sealed, 'rtcp')).toBe(packet.length)
  })

  test('never takes a packet twice', () => {
    const { sender, receiver } = sessions(profile)
    const sealed = seal(sender, rtpPacket({ sequence: 1 }))
    const report = seal(sender, rtcpPacket(1, payloadOf(20)), 'rtcp')
    expect(typeof open(receiver, sealed)).toBe('number')
    expect(open(receiver, sealed)).toBe('srtp-replay')
    expect(typeof open(receiver, report, 'rtcp')).toBe('number')
    expect(open(receiver, report, 'rtcp')).toBe('srtp-replay')
  })

  test('takes packets out of order inside the window, and none from before it', () => {
    const { sender, receiver } = sessions(profile)
    const sealed = Array.from({ length: REPLAY_WINDOW_PACKETS + 1 }, (_, i) =>
      seal(sender, rtpPacket({ sequence: 100 + i })),
    )
    for (const packet of sealed.slice(1).reverse()) expect(typeof open(receiver, packet)).toBe('number')
    expect(open(receiver, sealed[0]!)).toBe('srtp-replay')
  })

  test('follows the sequence number around, late packets included', () => {
    const { sender, receiver } = sessions(profile)
    const [before, last, first, after] = [65_534, 65_535, 0, 1].map((sequence) =>
      seal(sender, rtpPacket({ sequence })),
    )
    for (const packet of [before!, first!, last!, after!])
      expect(typeof open(receiver, packet)).toBe('number')
    expect(open(receiver, last!)).toBe('srtp-replay')
  })

  test('goes on after a loss of 32,767 packets across a wrap, again and again', () => {
    const { sender, receiver } = sessions(profile)
    for (let index = 40_000; index < 2_000_000; index += 32_767) {
      const sealed = seal(sender, rtpPacket({ sequence: index & 0xffff }))
      expect(typeof open(receiver, sealed)).toBe('number')
    }
  })

  test('refuses packets after a longer loss, for which RFC 3711 has no answer', () => {
    const { sender, receiver } = sessions(profile)
    expect(typeof open(receiver, seal(sender, rtpPacket({ sequence: 40_000 })))).toBe('number')
    seal(sender, rtpPacket({ sequence: 65_535 }))
    const tooFar = seal(sender, rtpPacket({ sequence: 20_000 }))
    expect(open(receiver, tooFar)).toBe('srtp-replay')
    seal(sender, rtpPacket({ sequence: 40_000 }))
    const oneRound = seal(sender, rtpPacket({ sequence: 40_001 }))
    expect(open(receiver, oneRound)).toBe('srtp-auth')
  })

  test('keeps the streams of different SSRCs apart', () => {
    const { sender, receiver } = sessions(profile)
    for (let ssrc = 0; ssrc < MAX_SRTP_STREAMS; ssrc++) {
      const sealed = seal(sender, rtpPacket({ ssrc: ssrc * 0x10000001, sequence: 65_535 }))
      expect(typeof open(receiver, sealed)).toBe('number')
    }
    for (let ssrc = 0; ssrc < MAX_SRTP_STREAMS; ssrc++) {
      const sealed = seal(sender, rtpPacket({ ssrc: ssrc * 0x10000001, sequence: 0 }))
      expect(typeof open(receiver, sealed)).toBe('number')
    }
  })

  test('bounds the SSRCs, and lets no forger fill the table', () => {
    const { sender, receiver } = sessions(profile)
    for (let ssrc = 1000; ssrc < 1100; ssrc++) {
      expect(open(receiver, rtpPacket({ ssrc }, payloadOf(60)))).toBe('srtp-auth')
    }
    const second = new SrtpSession(keysOf(profile, 'a'), memory)
    opened.push(second)
    for (let ssrc = 0; ssrc < MAX_SRTP_STREAMS; ssrc++) {
      expect(typeof open(receiver, seal(sender, rtpPacket({ ssrc })))).toBe('number')
    }
    memory.bytes.set(rtpPacket({ ssrc: 99 }))
    expect(sender.protectRtp(0, 32)).toBe('srtp-sources')
    expect(open(receiver, seal(second, rtpPacket({ ssrc: 99 })))).toBe('srtp-sources')
    expect(open(receiver, seal(second, rtcpPacket(99, payloadOf(20)), 'rtcp'), 'rtcp')).toBe('srtp-sources')
  })

  test('never uses a keystream twice', () => {
    const { sender } = sessions(profile)
    seal(sender, rtpPacket({ sequence: 10 }))
    for (const sequence of [10, 9, 0]) {
      const packet = rtpPacket({ sequence })
      memory.bytes.set(packet)
      expect(sender.protectRtp(0, packet.length)).toBe('srtp-index')
      expect(memory.bytes.slice(0, packet.length)).toEqual(packet)
    }
    const [one, two] = [0, 1].map(() => seal(sender, rtcpPacket(1, payloadOf(20)), 'rtcp'))
    expect(one).not.toEqual(two)
  })

  test('refuses what is too short or not version 2', () => {
    const { sender, receiver } = sessions(profile)
    const sealed = seal(sender, rtpPacket({ csrcs: 2, extensionWords: 2 }, payloadOf(0)))
    for (let length = 0; length < sealed.length; length++) {
      expect(typeof open(receiver, sealed.slice(0, length))).toBe('string')
      expect(typeof open(receiver, sealed.slice(0, length), 'rtcp')).toBe('string')
    }
    sealed[0]! &= 0x3f
    expect(open(receiver, sealed)).toBe('srtp-short')
    memory.bytes.fill(0, 0, 64)
    expect(sender.protectRtp(0, 64)).toBe('srtp-short')
    expect(sender.protectRtcp(0, 64)).toBe('srtp-short')
  })

  test('touches nothing outside its memory', () => {
    const { sender, receiver } = sessions(profile)
    const packet = rtpPacket({})
    const end = memory.bytes.length
    memory.bytes.set(packet, end - packet.length)
    expect(sender.protectRtp(end - packet.length, packet.length)).toBe('srtp-room')
    expect(sender.protectRtcp(end - packet.length, packet.length)).toBe('srtp-room')
    for (const [start, length] of [
      [-1, 60],
      [end - 59, 60],
      [0, end + 1],
      [Number.NaN, 60],
    ] as const) {
      expect(receiver.unprotectRtp(start, length)).toBe('srtp-short')
      expect(receiver.unprotectRtcp(start, length)).toBe('srtp-short')
    }
  })

  test('takes no packet from before its stream began, and none in the other direction', () => {
    const { sender, receiver } = sessions(profile)
    expect(typeof open(receiver, seal(sender, rtpPacket({ sequence: 5 })))).toBe('number')
    const early = rtpPacket({ sequence: 65_530 }, payloadOf(60))
    expect(open(receiver, early)).toBe('srtp-replay')
    expect(open(sender, seal(sender, rtpPacket({ sequence: 6 })))).toBe('srtp-auth')
  })

  test('is closed once and for all', () => {
    const { sender } = sessions(profile)
    sender.close()
    sender.close()
    expect(sender.protectRtp(0, 60)).toBe('srtp-closed')
    expect(sender.unprotectRtp(0, 60)).toBe('srtp-closed')
    expect(sender.protectRtcp(0, 60)).toBe('srtp-closed')
    expect(sender.unprotectRtcp(0, 60)).toBe('srtp-closed')
  })

  test('survives any bytes', () => {
    const { receiver } = sessions(profile)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = 0x80 | (bytes[0]! & 0x3f)
        expect(typeof open(receiver, bytes)).toBe('string')
        expect(typeof open(receiver, bytes, 'rtcp')).toBe('string')
      }),
    )
  })
})

test('has keys that fit, or throws', () => {
  const keys = keysOf('aead-aes-128-gcm', 'a')
  expect(() => new SrtpSession({ ...keys, remoteSalt: new Uint8Array(14) }, memory)).toThrow(RangeError)
  expect(() => new SrtpSession({ ...keys, localKey: new Uint8Array(32) }, memory)).toThrow(RangeError)
})

function sessions(profile: SrtpProfile): { sender: SrtpSession; receiver: SrtpSession } {
  const sender = new SrtpSession(keysOf(profile, 'a'), memory)
  const receiver = new SrtpSession(keysOf(profile, 'b'), memory)
  opened.push(sender, receiver)
  return { sender, receiver }
}

function keysOf(profile: SrtpProfile, side: 'a' | 'b'): ConstructorParameters<typeof SrtpSession>[0] {
  const { saltBytes } = SRTP_PROFILES[profile]
  const a = { key: new Uint8Array(16).fill(1), salt: new Uint8Array(saltBytes).fill(2) }
  const b = { key: new Uint8Array(16).fill(3), salt: new Uint8Array(saltBytes).fill(4) }
  const [local, remote] = side === 'a' ? [a, b] : [b, a]
  return {
    profile,
    localKey: local.key,
    localSalt: local.salt,
    remoteKey: remote.key,
    remoteSalt: remote.salt,
  }
}

interface RtpFields {
  readonly csrcs?: number
  readonly extensionWords?: number | undefined
  readonly ssrc?: number
  readonly sequence?: number
}

function rtpPacket(
  { csrcs = 0, extensionWords, ssrc = 1, sequence = 1 }: RtpFields,
  payload = payloadOf(20),
) {
  const extensionBytes = extensionWords === undefined ? 0 : 4 + 4 * extensionWords
  const headerBytes = 12 + 4 * csrcs + extensionBytes
  const packet = new Uint8Array(headerBytes + payload.length).fill(0x5a)
  packet[0] = 0x80 | (extensionWords === undefined ? 0 : 0x10) | csrcs
  writeU16(packet, 2, sequence)
  writeU32(packet, 8, ssrc)
  if (extensionWords !== undefined) writeU16(packet, 12 + 4 * csrcs + 2, extensionWords)
  packet.set(payload, headerBytes)
  return packet
}

function rtcpPacket(ssrc: number, body: Uint8Array): Uint8Array {
  const packet = new Uint8Array(8 + body.length)
  packet.set([0x80, 200, 0, 1 + (body.length >> 2)])
  writeU32(packet, 4, ssrc)
  packet.set(body, 8)
  return packet
}

function payloadOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i)
}

function seal(session: SrtpSession, packet: Uint8Array, kind: 'rtp' | 'rtcp' = 'rtp'): Uint8Array {
  memory.bytes.set(packet)
  const sealed = kind === 'rtp' ? session.protectRtp(0, packet.length) : session.protectRtcp(0, packet.length)
  return memory.bytes.slice(0, lengthOf(sealed))
}

function open(session: SrtpSession, sealed: Uint8Array, kind: 'rtp' | 'rtcp' = 'rtp'): number | string {
  memory.bytes.set(sealed)
  return kind === 'rtp' ? session.unprotectRtp(0, sealed.length) : session.unprotectRtcp(0, sealed.length)
}

function lengthOf(result: number | string): number {
  if (typeof result === 'string') throw new Error(result)
  return result
}
