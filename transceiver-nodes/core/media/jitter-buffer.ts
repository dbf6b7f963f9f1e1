/**
 * Puts a client's RTP packets back in order and spaces them evenly in time: docs/audio.md.
 *
 * A packet leaves when its timestamp says (`PlayoutDelay`), so a pause of the sender (DTX) is a pause here and no
 * loss. The listener is a backend, not an ear. It may take sound faster than real time: when the delay shrinks, or
 * after a stall, what is due leaves at once, and no sample is stretched, dropped or made up. And it can wait: a
 * packet that came too late but which no other has overtaken is played, late, and not lost.
 *
 * Sequence numbers are extended as RFC 3550 appendix A.1 does. Every method is told the time; payloads are copied
 * into memory around which they follow each other; it is small until a burst needs more.
 */

import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { FRAME_MILLIS } from './pacer.ts'
import { PlayoutDelay } from './playout-delay.ts'
import type { DelayBounds } from './playout-delay.ts'

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
  /** Holds the payload of the last `pop`, at `payloadStart`, valid until the next `push`. */
  memory = new Uint8Array(new ArrayBuffer(FIRST_MEMORY_BYTES))
  payloadStart = 0
  payloadLength = 0
  timestamp = 0
  durationMillis = FRAME_MILLIS
  /** True if the packet came as the copy that a later one carries (RED), and not by itself. */
  isCopy = false

  /** Sequence numbers given up: their packets never came, or will count as late. */
  lost = 0
  late = 0
  duplicates = 0
  /** Packets dropped unplayed because newer ones needed their place. */
  overflowed = 0
  /** Times that the stream started anew: first packet, another SSRC, a jump in the sequence. */
  restarts = 0

  readonly #ticksPerMilli: number
  readonly #delay: PlayoutDelay
  readonly #sequences = new Float64Array(CAPACITY_PACKETS).fill(Number.NaN)
  readonly #played = new Float64Array(CAPACITY_PACKETS).fill(Number.NaN)
  readonly #mediaTicks = new Float64Array(CAPACITY_PACKETS)
  readonly #timestamps = new Uint32Array(CAPACITY_PACKETS)
  readonly #starts = new Uint16Array(CAPACITY_PACKETS)
  readonly #lengths = new Uint16Array(CAPACITY_PACKETS)
  readonly #durations = new Float64Array(CAPACITY_PACKETS)
  readonly #arrivals = new Float64Array(CAPACITY_PACKETS)
  readonly #copies = new Uint8Array(CAPACITY_PACKETS)
  #held = 0
  #writeAt = 0
  #ssrc: number | undefined
  #next = 0
  #highest = 0
  /** The timestamp of the last packet pushed, and the same counted on from the stream's first. */
  #lastTimestamp = 0
  #lastTicks = 0
  /** True until the first packet after a restart has left: earlier ones may still come before it. */
  #isOpenBelow = true

  /** `clockRateHz` is that of the timestamps; equal bounds switch the adaptation off. */
  constructor(clockRateHz: number, bounds?: DelayBounds) {
    this.#ticksPerMilli = clockRateHz / 1000
    this.#delay = new PlayoutDelay(bounds)
  }

  /** How long a packet waits that the network did not hold up. */
  get targetDelayMillis(): number {
    return this.#delay.targetMillis
  }

  /** True when what is due should be taken out before more comes. */
  get isCrowded(): boolean {
    return this.#held > CAPACITY_PACKETS / 2
  }

  /** Takes a packet whose payload lies in `source` and lasts `durationMillis`. */
  push(packet: JitterPacket, source: Uint8Array, durationMillis: number, now: Millis): JitterVerdict {
    if (packet.payloadLength > MAX_PAYLOAD_BYTES) return 'payload-too-long'
    if (packet.ssrc !== this.#ssrc) this.#restart(packet)
    let sequence = this.#highest + signed16(packet.sequence - this.#highest)
    if (this.#next - sequence > MAX_MISORDER) sequence = this.#restart(packet)
    this.#lastTicks = this.#ticksOf(packet)
    this.#lastTimestamp = packet.timestamp
    this.#delay.handleArrival(this.#lastTicks / this.#ticksPerMilli, now)
    const verdict = this.#admit(sequence, packet.payloadLength, false)
    if (verdict !== 'held') return this.#count(verdict)
    this.#store(sequence, packet, source, durationMillis, now)
    return 'held'
  }

  /**
   * Takes the copy of an earlier packet that came in a later one, RFC 2198. It says nothing of the network, and
   * stands in until the packet itself arrives.
   */
  pushCopy(packet: JitterPacket, source: Uint8Array, durationMillis: number, now: Millis): void {
    if (packet.payloadLength > MAX_PAYLOAD_BYTES || packet.ssrc !== this.#ssrc) return
    const sequence = this.#highest + signed16(packet.sequence - this.#highest)
    if (sequence > this.#highest || this.#admit(sequence, packet.payloadLength, true) !== 'held') return
    this.#store(sequence, packet, source, durationMillis, now)
    this.#copies[slotOf(sequence)] = 1
  }

  /**
   * Takes out what is due at `now`; call it on every tick until it says `empty`. `missing` stands for a packet that
   * did not come in time though a later one did; the payload is then that of its successor, which may repeat it, or
   * has no length if that one is not here either.
   */
  pop(now: Millis): 'packet' | 'missing' | 'empty' {
    if (this.#held === 0) return 'empty'
    const slot = slotOf(this.#next)
    const isPresent = this.#sequences[slot] === this.#next
    if (now + TICK_TOLERANCE_MILLIS < this.#dueAt(isPresent ? this.#next : this.#nextPresent()))
      return 'empty'
    if (isPresent) {
      this.#show(slot)
      this.#release(slot)
      this.#played[slot] = this.#next
    } else {
      this.lost += 1
      this.#showSuccessor()
    }
    this.#next += 1
    this.#isOpenBelow = false
    return isPresent ? 'packet' : 'missing'
  }

  /** When the next packet is due, as the held packet `sequence`, itself or a later one, tells. */
  #dueAt(sequence: number): Millis {
    const slot = slotOf(sequence)
    const media = (this.#mediaTicks[slot] ?? 0) / this.#ticksPerMilli
    const due = this.#delay.dueAt(media - (sequence - this.#next) * this.durationMillis)
    // Whatever its timestamp says: a sender's clock may lie.
    return millisOf(Math.min(due, (this.#arrivals[slot] ?? 0) + MAX_WAIT_MILLIS))
  }

  #nextPresent(): number {
    let sequence = this.#next + 1
    while (this.#sequences[slotOf(sequence)] !== sequence) sequence++
    return sequence
  }

  /** Forgets what is held and begins a stream with `packet`; returns its sequence number. */
  #restart(packet: JitterPacket): number {
    this.#sequences.fill(Number.NaN)
    this.#played.fill(Number.NaN)
    this.#held = 0
    this.#ssrc = packet.ssrc
    this.#next = packet.sequence
    this.#highest = packet.sequence
    this.#lastTimestamp = packet.timestamp
    this.#lastTicks = 0
    this.#isOpenBelow = true
    this.#delay.restart()
    this.restarts += 1
    return packet.sequence
  }

  #ticksOf({ timestamp }: JitterPacket): number {
    return this.#lastTicks + ((timestamp - this.#lastTimestamp) | 0)
  }

  /** Makes room for `sequence`, or tells why it cannot be held. */
  #admit(sequence: number, length: number, isCopy: boolean): JitterVerdict {
    const slot = slotOf(sequence)
    if (sequence < this.#next && !this.#opensBelow(sequence)) {
      return this.#played[slot] === sequence ? 'duplicate' : 'late'
    }
    if (this.#sequences[slot] === sequence) {
      if (isCopy || this.#copies[slot] === 0) return 'duplicate'
      this.#release(slot)
    }
    this.#makeRoom(sequence)
    this.#makeMemory(length)
    return sequence < this.#next ? 'late' : 'held'
  }

  #count(verdict: 'late' | 'duplicate' | 'payload-too-long'): JitterVerdict {
    if (verdict === 'late') this.late += 1
    else this.duplicates += 1
    return verdict
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
    while (this.#next < oldest && this.#held > 0) this.#giveUpNext()
    if (this.#next >= oldest) return
    this.lost += sequence - this.#next
    this.restarts += 1
    this.#next = sequence
  }

  #giveUpNext(): void {
    const slot = slotOf(this.#next)
    if (this.#sequences[slot] === this.#next) {
      this.#release(slot)
      this.overflowed += 1
    } else {
      this.lost += 1
    }
    this.#next += 1
  }

  #store(
    sequence: number,
    packet: JitterPacket,
    source: Uint8Array,
    durationMillis: number,
    now: Millis,
  ): void {
    const start = this.#writeAt
    this.#writeAt += packet.payloadLength
    const slot = slotOf(sequence)
    this.#sequences[slot] = sequence
    this.#mediaTicks[slot] = this.#ticksOf(packet)
    this.#timestamps[slot] = packet.timestamp
    this.#starts[slot] = start
    this.#lengths[slot] = packet.payloadLength
    this.#durations[slot] = durationMillis
    this.#arrivals[slot] = now
    this.#copies[slot] = 0
    for (let i = 0; i < packet.payloadLength; i++)
      this.memory[start + i] = source[packet.payloadStart + i] ?? 0
    this.#held += 1
    this.#highest = Math.max(this.#highest, sequence)
  }

  /** Payloads follow each other around the memory; it grows, and then what lies unplayed in the way is given up. */
  #makeMemory(length: number): void {
    const isAtEnd = this.#writeAt + length > this.memory.length
    const at = isAtEnd ? 0 : this.#writeAt
    let isTaken = this.#holdsPayloadIn(at, at + length)
    if (isTaken && this.memory.length < MEMORY_BYTES) {
      return this.#growMemory(isAtEnd ? this.#writeAt : this.memory.length)
    }
    this.#writeAt = at
    for (; isTaken; isTaken = this.#holdsPayloadIn(at, at + length)) this.#giveUpNext()
  }

  /** What lies in the memory stays where it is; the next payload goes to `writeAt`. */
  #growMemory(writeAt: number): void {
    const grown = new Uint8Array(new ArrayBuffer(2 * this.memory.length))
    grown.set(this.memory)
    this.memory = grown
    this.#writeAt = writeAt
  }

  #holdsPayloadIn(from: number, to: number): boolean {
    for (let sequence = this.#next; this.#held > 0 && sequence <= this.#highest; sequence++) {
      const slot = slotOf(sequence)
      const start = this.#starts[slot] ?? 0
      const end = start + (this.#lengths[slot] ?? 0)
      if (this.#sequences[slot] === sequence && start < to && end > from) return true
    }
    return false
  }

  #show(slot: number): void {
    this.payloadStart = this.#starts[slot] ?? 0
    this.payloadLength = this.#lengths[slot] ?? 0
    this.timestamp = this.#timestamps[slot] ?? 0
    this.durationMillis = this.#durations[slot] ?? FRAME_MILLIS
    this.isCopy = this.#copies[slot] === 1
  }

  #showSuccessor(): void {
    const slot = slotOf(this.#next + 1)
    this.payloadStart = this.#starts[slot] ?? 0
    this.payloadLength = this.#sequences[slot] === this.#next + 1 ? (this.#lengths[slot] ?? 0) : 0
  }

  #release(slot: number): void {
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

/** How early a tick may be and still serve a packet that is due at the next. */
const TICK_TOLERANCE_MILLIS = FRAME_MILLIS / 2

/** Longest wait of any packet: the largest delay, and a frame. */
export const MAX_WAIT_MILLIS = 220

/** Packets held at most: 1.3 s of 20 ms packets. A power of two, so that a sequence number maps to its slot. */
export const CAPACITY_PACKETS = 64

/** Room for 1.3 s of Opus at 100 kbit/s, or of G.711 in packets of 20 ms. */
const MEMORY_BYTES = 16_384
/** What a call begins with, and most never exceed: the largest delay of Opus at 100 kbit/s. Longer than a payload. */
const FIRST_MEMORY_BYTES = 4_096

/** Largest RTP payload taken; no datagram from a client carries more. */
export const MAX_PAYLOAD_BYTES = 1452

/** A packet further behind is not a late one but a sender that began anew, RFC 3550 appendix A.1. */
const MAX_MISORDER = 100
