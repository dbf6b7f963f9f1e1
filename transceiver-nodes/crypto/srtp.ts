/**
 * The SRTP and SRTCP of one session, both directions: RFC 3711 and RFC 7714, docs/dtls-srtp.md.
 *
 * Ciphers and MACs are OpenSSL's, on contexts that live as long as the thread or the session. Packets are worked on in place, in
 * one `PacketMemory`. Left out, as WebRTC has no use for them: MKI, rekeying, and sending without encryption.
 */

import { CounterModeCipher } from './counter-mode-cipher.ts'
import { GcmCipher } from './gcm-cipher.ts'
import type { PacketCipher } from './packet-cipher.ts'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { deriveSessionKeys } from './srtp-keys.ts'
import type { SrtpFault, SrtpSendFault } from './srtp-packet.ts'
import type { SrtpKeys } from './srtp-profile.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'

/**
 * Protects what a session sends and opens what it receives.
 *
 * Each method takes `length` bytes at `start` of the memory and returns the new length, or why there is none; after
 * a fault the bytes must not be used. Nothing is allocated, but for the memory of a stream when its SSRC is new.
 */
export class SrtpSession {
  readonly #sender: SrtpSender
  readonly #receiver: SrtpReceiver
  #isClosed = false

  /** Throws a `RangeError` if a key or salt does not fit the profile. */
  constructor(keys: SrtpKeys, memory: PacketMemory) {
    this.#sender = new SrtpSender(
      memory,
      openCipher(keys, memory, 'local', 'rtp'),
      openCipher(keys, memory, 'local', 'rtcp'),
    )
    this.#receiver = new SrtpReceiver(
      memory,
      openCipher(keys, memory, 'remote', 'rtp'),
      openCipher(keys, memory, 'remote', 'rtcp'),
    )
  }

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    return this.#sender.prefetch() + this.#receiver.prefetch()
  }

  /** Protects an RTP packet; `SRTP_TRAILER_BYTES` of room must follow it. */
  protectRtp(start: number, length: number): number | SrtpSendFault {
    return this.#isClosed ? 'srtp-closed' : this.#sender.protectRtp(start, length)
  }

  /** Opens an SRTP packet. */
  unprotectRtp(start: number, length: number): number | SrtpFault {
    return this.#isClosed ? 'srtp-closed' : this.#receiver.unprotectRtp(start, length)
  }

  /** Protects a compound RTCP packet; `SRTP_TRAILER_BYTES` of room must follow it. */
  protectRtcp(start: number, length: number): number | SrtpSendFault {
    return this.#isClosed ? 'srtp-closed' : this.#sender.protectRtcp(start, length)
  }

  /** Opens an SRTCP packet. */
  unprotectRtcp(start: number, length: number): number | SrtpFault {
    return this.#isClosed ? 'srtp-closed' : this.#receiver.unprotectRtcp(start, length)
  }

  /** Frees the native contexts; may be called again. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#sender.close()
    this.#receiver.close()
  }
}

function openCipher(
  keys: SrtpKeys,
  memory: PacketMemory,
  side: 'local' | 'remote',
  kind: 'rtp' | 'rtcp',
): PacketCipher {
  const [key, salt] = side === 'local' ? [keys.localKey, keys.localSalt] : [keys.remoteKey, keys.remoteSalt]
  const sessionKeys = deriveSessionKeys(keys.profile, key, salt, kind)
  return keys.profile === 'aead-aes-128-gcm'
    ? new GcmCipher(memory, sessionKeys)
    : new CounterModeCipher(memory, sessionKeys)
}

/** The most that protection adds to a packet: SRTCP with AES-GCM, a tag of 16 bytes and an index of 4. */
export const SRTP_TRAILER_BYTES = 20
