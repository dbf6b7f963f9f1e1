/** CPU time of SRTP for one packet: a header of 12 bytes and 80 of payload, 20 ms of Opus at 32 kbit/s. */

import {
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RtpHeader,
  SrtpSession as WeriftSrtpSession,
} from 'werift'
import { writeU16 } from '#shared/bytes'
import { PacketMemory } from '#shared/platform/packet-memory'
import { SrtpSession } from '../../transceiver-nodes/crypto/srtp.ts'
import { SRTP_PROFILES } from '../../transceiver-nodes/crypto/srtp-profile.ts'
import type { SrtpProfile } from '../../transceiver-nodes/crypto/srtp-profile.ts'
import { cpuMicros, least } from './cpu-time.ts'

export interface SrtpCost {
  readonly protectMicros: number
  readonly unprotectMicros: number
}

/** Measures our SRTP. */
export function srtpMicros(profile: SrtpProfile): SrtpCost {
  const memory = new PacketMemory(256)
  return measure(() => {
    const session = new SrtpSession(loopKeys(profile), memory)
    return (sequence, opens) => {
      memory.bytes[0] = 0x80
      writeU16(memory.bytes, 2, sequence)
      const sealed = session.protectRtp(0, HEADER_BYTES + PAYLOAD_BYTES)
      if (typeof sealed === 'string') throw new Error(sealed)
      if (opens && typeof session.unprotectRtp(0, sealed) === 'string') throw new Error('not opened')
    }
  })
}

/** Measures werift's SRTP, which takes a parsed header and returns new buffers. */
export function weriftSrtpMicros(profile: SrtpProfile): SrtpCost {
  const keys = loopKeys(profile)
  const config = {
    profile:
      profile === 'aead-aes-128-gcm' ? ProtectionProfileAeadAes128Gcm : ProtectionProfileAes128CmHmacSha1_80,
    keys: {
      localMasterKey: Buffer.from(keys.localKey),
      localMasterSalt: Buffer.from(keys.localSalt),
      remoteMasterKey: Buffer.from(keys.remoteKey),
      remoteMasterSalt: Buffer.from(keys.remoteSalt),
    },
  }
  const payload = Buffer.alloc(PAYLOAD_BYTES)
  return measure(() => {
    const session = new WeriftSrtpSession(config)
    const header = new RtpHeader({ payloadType: 111, ssrc: 1 })
    return (sequence, opens) => {
      header.sequenceNumber = sequence
      const sealed = session.encrypt(payload, header)
      if (opens) session.decrypt(sealed)
    }
  })
}

type Packet = (sequence: number, opens: boolean) => void

/** Unprotecting needs protected packets, so its cost is what opening adds to a round of protecting. */
function measure(open: () => Packet): SrtpCost {
  const run = (opens: boolean): number => {
    const packet = open()
    return cpuMicros(() => {
      for (let i = 0; i < PACKETS; i++) packet(i & 0xffff, opens)
    })
  }
  run(true)
  const protectMicros = least(ROUNDS, () => run(false)) / PACKETS
  const bothMicros = least(ROUNDS, () => run(true)) / PACKETS
  return { protectMicros, unprotectMicros: bothMicros - protectMicros }
}

/** The same keys both ways, so that one session opens what it has protected. */
function loopKeys(profile: SrtpProfile): ConstructorParameters<typeof SrtpSession>[0] {
  const key = new Uint8Array(16).fill(1)
  const salt = new Uint8Array(SRTP_PROFILES[profile].saltBytes).fill(2)
  return { profile, localKey: key, localSalt: salt, remoteKey: key, remoteSalt: salt }
}

const HEADER_BYTES = 12
const PAYLOAD_BYTES = 80
const PACKETS = 30_000
const ROUNDS = 9
