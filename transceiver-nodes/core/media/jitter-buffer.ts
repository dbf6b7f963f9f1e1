/**
 * Puts a client's RTP packets back in order and spaces them evenly in time.
 *
 * The first packet waits `TARGET_DELAY_MILLIS`; from then on packets leave at the pace of their durations, so
 * one that is late by less than the delay is not missed. The listener is a backend, not an ear: after a burst
 * it may take sound faster than real time, so no packet waits longer than the delay and one frame, and a
 * single stall does not slow the rest of the call. When the buffer runs dry it lets the sequence stand still:
 * a packet that comes after all is played, late, and not lost.
 *
 * Sequence numbers are extended as RFC 3550 appendix A.1 does. Every method is told the time; payloads are
 * copied into memory allocated once. The delay is fixed here; a policy that follows the measured jitter, and
 * silence for gaps in RTP time, have their place in `#dueAt`.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { FRAME_MILLIS } from './pacer.ts'

/** What the buffer needs of a packet: an `RtpView` has it. */
export interface JitterPacket {
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payloadStart: number
  readonly payloadLength: number
}

/** What became of a packet. */
export type JitterVerdict = 'held' | 'late' | 'duplicate' | 'payload-too-long'

/** Orders and delays one RTP stream. */
export class JitterBuffer {
  /** Holds the payload of the last `packet` popped, at `payloadStart`, valid until the next `push`. */
  readonly memory = new Uint8Array(CAPACITY_PACKETS * MAX_PAYLOAD_BYTES)
  payloadStart = 0
  payloadLength = 0
  timestamp = 0

  /** Sequence numbers given up: their packets never came, or will count as late. */
  lost = 0
  late = 0
  duplicates = 0
  /** Packets dropped unplayed because newer ones needed their place. */
  overflowed = 0
  /** Times that the stream started anew: first packet, another SSRC, a jump in the sequence. */
  restarts = 0

  readonly #sequences = new Float64Array(CAPACITY_PACKETS).fill(Number.NaN)
  readonly #timestamps = new Uint32Array(CAPACITY_PACKETS)
  readonly #lengths = new Uint16Array(CAPACITY_PACKETS)
  readonly #durations = new Float64Array(CAPACITY_PACKETS)
  readonly #arrivals = new Float64Array(CAPACITY_PACKETS)
  #held = 0
  #ssrc: number | undefined
  #next = 0
  #highest = 0
  /** True until the first packet after a restart has left: earlier ones may still come before it. */
  #isOpenBelow = true
  /** When the next packet leaves; undefined while the buffer is dry. */
  #dueAt: Millis | undefined
  #lastDuration = FRAME_MILLIS

  /** Takes a packet whose payload lies in `source` and lasts `durationMillis`. */
  push(packet: JitterPacket, source: Uint8Array, durationMillis: number, now: Millis): JitterVerdict {
    if (packet.payloadLength > MAX_PAYLOAD_BYTES) return 'payload-too-long'
    if (packet.ssrc !== this.#ssrc) this.#restart(packet)
    let sequence = this.#highest + signed16(packet.sequence - this.#highest)
    if (this.#next - sequence > MAX_MISORDER) sequence = this.#restart(packet)
    if (sequence < this.#next && !this.#opensBelow(sequence)) {
      this.late += 1
      return 'late'
    }
    this.#makeRoom(sequence)
    const slot = slotOf(sequence)
    if (this.#sequences[slot] === sequence) {
      this.duplicates += 1
      return 'duplicate'
    }
    this.#store(slot, sequence, packet, source)
    this.#durations[slot] = durationMillis
    this.#arrivals[slot] = now
    if (this.#held === 0) this.#dueAt = millisOf(now + TARGET_DELAY_MILLIS)
    this.#held += 1
    this.#highest = Math.max(this.#highest, sequence)
    return 'held'
  }

  /**
   * Takes out what is due at `now`; call it on every tick until it says `empty`. `missing` stands for a packet
   * that did not come in time though a later one did.
   */
  pop(now: Millis): 'packet' | 'missing' | 'empty' {
    if (this.#held === 0 || this.#dueAt === undefined) return 'empty'
    const slot = slotOf(this.#next)
    const isPresent = this.#sequences[slot] === this.#next
    const isOverdue = isPresent && now - (this.#arrivals[slot] ?? now) > MAX_DELAY_MILLIS
    if (now + TICK_TOLERANCE_MILLIS < this.#dueAt && !isOverdue) return 'empty'
    if (isPresent) this.#take(slot)
    else this.lost += 1
    this.#next += 1
    this.#isOpenBelow = false
    this.#dueAt = this.#held === 0 ? undefined : millisOf(Math.min(this.#dueAt, now) + this.#lastDuration)
    return isPresent ? 'packet' : 'missing'
  }

  /** Forgets what is held and begins a stream with `packet`; returns its sequence number. */
  #restart(packet: JitterPacket): number {
    this.#sequences.fill(Number.NaN)
    this.#held = 0
    this.#ssrc = packet.ssrc
    this.#next = packet.sequence
    this.#highest = packet.sequence
    this.#isOpenBelow = true
    this.restarts += 1
    return packet.sequence
  }

  /** The packet that began the stream may itself have overtaken others. */
  #opensBelow(sequence: number): boolean {
    if (!this.#isOpenBelow || this.#highest - sequence >= CAPACITY_PACKETS) return false
    this.#next = sequence
    return true
  }

  /** Gives up the oldest packets until `sequence` has a place; after a long gap that is all of them. */
  #makeRoom(sequence: number): void {
    const oldest = sequence - CAPACITY_PACKETS + 1
    while (this.#next < oldest && this.#held > 0) {
      const slot = slotOf(this.#next)
      if (this.#sequences[slot] === this.#next) {
        this.#sequences[slot] = Number.NaN
        this.#held -= 1
        this.overflowed += 1
      } else {
        this.lost += 1
      }
      this.#next += 1
    }
    if (this.#next < oldest) {
      this.lost += sequence - this.#next
      this.restarts += 1
      this.#next = sequence
    }
  }

  #store(slot: number, sequence: number, packet: JitterPacket, source: Uint8Array): void {
    this.#sequences[slot] = sequence
    this.#timestamps[slot] = packet.timestamp
    this.#lengths[slot] = packet.payloadLength
    const start = packet.payloadStart
    this.memory.set(source.subarray(start, start + packet.payloadLength), slot * MAX_PAYLOAD_BYTES)
  }

  #take(slot: number): void {
    this.payloadStart = slot * MAX_PAYLOAD_BYTES
    this.payloadLength = this.#lengths[slot] ?? 0
    this.timestamp = this.#timestamps[slot] ?? 0
    this.#lastDuration = this.#durations[slot] ?? FRAME_MILLIS
    this.#sequences[slot] = Number.NaN
    this.#held -= 1
  }
}

/** The low 16 bits of `value` as a signed number: how far, and on which side, one sequence number is of another. */
function signed16(value: number): number {
  return (value << 16) >> 16
}

function slotOf(sequence: number): number {
  return sequence & (CAPACITY_PACKETS - 1)
}

/** How long a packet waits for one that it overtook: the jitter of a good Wi-Fi link. */
export const TARGET_DELAY_MILLIS = 60

/** Longest wait of any packet; what has waited so long leaves at once, even ahead of its time. */
const MAX_DELAY_MILLIS = TARGET_DELAY_MILLIS + FRAME_MILLIS

/** How early a tick may be and still serve a packet that is due at the next. */
const TICK_TOLERANCE_MILLIS = FRAME_MILLIS / 2

/** Packets held at most: 320 ms of 20 ms packets. A power of two, so that a sequence number maps to its slot. */
export const CAPACITY_PACKETS = 16

/** Largest RTP payload taken; no datagram from a client carries more. */
export const MAX_PAYLOAD_BYTES = 1452

/** A packet further behind is not a late one but a sender that began anew, RFC 3550 appendix A.1. */
const MAX_MISORDER = 100
