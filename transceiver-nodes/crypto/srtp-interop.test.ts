/** Holds SRTP and SRTCP to the implementation of werift, which clients and other servers interoperate with. */

import {
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RtpHeader,
  SrtcpSession,
  SrtpSession as WeriftSrtpSession,
} from 'werift'
import { afterAll, describe, expect, test } from 'vitest'
import { randomBytes } from '#shared/platform/crypto'
import { PacketMemory } from '#shared/platform/packet-memory'
import { SrtpSession } from './srtp.ts'
import { SRTP_PREFERENCE, SRTP_PROFILES } from './srtp-profile.ts'
import type { SrtpKeys } from './srtp-profile.ts'

const memory = new PacketMemory(4096)

describe.each(SRTP_PREFERENCE)('%s', (profile) => {
  const { saltBytes } = SRTP_PROFILES[profile]
  const keys: SrtpKeys = {
    profile,
    localKey: randomBytes(16),
    localSalt: randomBytes(saltBytes),
    remoteKey: randomBytes(16),
    remoteSalt: randomBytes(saltBytes),
  }
  const ours = new SrtpSession(keys, memory)
  const config = weriftConfig(keys)
  const theirs = new WeriftSrtpSession(config)
  const theirRtcp = new SrtcpSession(config)

  afterAll(() => ours.close())

  test('werift opens our RTP, across a wrap of the sequence number', () => {
    for (let i = 0; i < 50; i++) {
      const { header, payload } = packet(65_500 + i, i)
      const plain = serialize(header, payload)
      memory.bytes.set(plain)
      const length = ours.protectRtp(0, plain.length)
      expect(theirs.decrypt(sealed(length))).toEqual(plain)
    }
  })

  test('we open the RTP of werift, across a wrap of the sequence number', () => {
    for (let i = 0; i < 50; i++) {
      const { header, payload } = packet(65_500 + i, i)
      const protectedPacket = theirs.encrypt(payload, header)
      memory.bytes.set(protectedPacket)
      const length = ours.unprotectRtp(0, protectedPacket.length)
      expect(sealed(length)).toEqual(serialize(header, payload))
    }
  })

  test('werift opens our RTCP, and we its', () => {
    for (let i = 0; i < 10; i++) {
      const report = Buffer.from([0x80, 200, 0, 6, 1, 2, 3, 4, ...randomBytes(20)])
      memory.bytes.set(report)
      expect(theirRtcp.decrypt(sealed(ours.protectRtcp(0, report.length)))).toEqual(report)
      const protectedReport = theirRtcp.encrypt(report)
      memory.bytes.set(protectedReport)
      expect(sealed(ours.unprotectRtcp(0, protectedReport.length))).toEqual(report)
    }
  })
})

function weriftConfig(keys: SrtpKeys): ConstructorParameters<typeof WeriftSrtpSession>[0] {
  return {
    profile:
      keys.profile === 'aead-aes-128-gcm'
        ? ProtectionProfileAeadAes128Gcm
        : ProtectionProfileAes128CmHmacSha1_80,
    keys: {
      localMasterKey: Buffer.from(keys.remoteKey),
      localMasterSalt: Buffer.from(keys.remoteSalt),
      remoteMasterKey: Buffer.from(keys.localKey),
      remoteMasterSalt: Buffer.from(keys.localSalt),
    },
  }
}

/** Every header has another number of CSRCs. */
function packet(sequence: number, i: number): { header: RtpHeader; payload: Buffer } {
  const csrc = Array.from({ length: i % 4 }, (_, n) => n + 1)
  const header = new RtpHeader({
    payloadType: 111,
    sequenceNumber: sequence & 0xffff,
    timestamp: 960 * i,
    ssrc: 0xcafebabe,
    csrc,
    csrcLength: csrc.length,
  })
  return { header, payload: Buffer.from(randomBytes(i * 7)) }
}

function serialize(header: RtpHeader, payload: Buffer): Buffer {
  return Buffer.concat([header.serialize(header.serializeSize), payload])
}

function sealed(length: number | string): Buffer {
  if (typeof length === 'string') throw new Error(length)
  return Buffer.from(memory.bytes.slice(0, length))
}
