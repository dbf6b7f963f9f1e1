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
  /** One row of `SLOT_WORDS` for each slot: a line of memory, where arrays for each column would be many. */
  readonly #slots = new Float64Array(CAPACITY_PACKETS * SLOT_WORDS)
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

  /** Reads what a tick will need; the sum means nothing. docs/transceiver.md, "Asked for ahead". */
  prefetch(): number {
    const next = this.#word(slotOf(this.#next), START)
    const here = this.#line(this.#writeAt) + this.#line(next)
    return here + this.#highest + this.#lastTicks + this.#delay.prefetch()
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
    this.#store(sequence, packet, source, durationMillis, now, HELD)
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
    this.#store(sequence, packet, source, durationMillis, now, HELD_COPY)
  }

  /**
   * Takes out what is due at `now`; call it on every tick until it says `empty`. `missing` stands for a packet that
   * did not come in time though a later one did; the payload is then that of its successor, which may repeat it, or
   * has no length if that one is not here either.
   */
  pop(now: Millis): 'packet' | 'missing' | 'empty' {
    if (this.#held === 0) return 'empty'
    const slot = slotOf(this.#next)
    const isPresent = this.#holds(this.#next)
    if (now + TICK_TOLERANCE_MILLIS < this.#dueAt(isPresent ? this.#next : this.#nextPresent()))
      return 'empty'
    if (isPresent) {
      this.#show(slot)
      this.#release(slot, PLAYED)
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
    const media = this.#word(slot, MEDIA_TICKS) / this.#ticksPerMilli
    const due = this.#delay.dueAt(media - (sequence - this.#next) * this.durationMillis)
    // Whatever its timestamp says: a sender's clock may lie.
    return millisOf(Math.min(due, this.#word(slot, ARRIVED_AT) + MAX_WAIT_MILLIS))
  }

  #nextPresent(): number {
    let sequence = this.#next + 1
    while (!this.#holds(sequence)) sequence++
    return sequence
  }

  /** Forgets what is held and begins a stream with `packet`; returns its sequence number. */
  #restart(packet: JitterPacket): number {
    this.#slots.fill(EMPTY)
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
      const isPlayed = this.#word(slot, STATE) === PLAYED && this.#word(slot, SEQUENCE) === sequence
      return isPlayed ? 'duplicate' : 'late'
    }
    if (this.#holds(sequence)) {
      if (isCopy || this.#word(slot, STATE) === HELD) return 'duplicate'
      this.#release(slot, EMPTY)
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
    if (this.#holds(this.#next)) {
      this.#release(slot, EMPTY)
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
    state: typeof HELD | typeof HELD_COPY,
  ): void {
    const start = this.#writeAt
    this.#writeAt += packet.payloadLength
    const slots = this.#slots
    const at = slotOf(sequence) * SLOT_WORDS
    slots[at + SEQUENCE] = sequence
    slots[at + STATE] = state
    slots[at + MEDIA_TICKS] = this.#ticksOf(packet)
    slots[at + TIMESTAMP] = packet.timestamp
    slots[at + START] = start
    slots[at + LENGTH] = packet.payloadLength
    slots[at + DURATION] = durationMillis
    slots[at + ARRIVED_AT] = now
    for (let i = 0; i < packet.payloadLength; i++)
      this.memory[start + i] = source[packet.payloadStart + i] ?? 0
    this.#held += 1
    this.#highest = Math.max(this.#highest, sequence)
  }

  /**
   * Payloads follow each other around the memory; it grows, and then what lies unplayed in the way is given up. When
   * nothing is held they begin anew, where the memory is warm.
   */
  #makeMemory(length: number): void {
    const isAtEnd = this.#held === 0 || this.#writeAt + length > this.memory.length
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
      const start = this.#word(slot, START)
      const end = start + this.#word(slot, LENGTH)
      if (this.#holds(sequence) && start < to && end > from) return true
    }
    return false
  }

  #show(slot: number): void {
    this.payloadStart = this.#word(slot, START)
    this.payloadLength = this.#word(slot, LENGTH)
    this.timestamp = this.#word(slot, TIMESTAMP)
    this.durationMillis = this.#word(slot, DURATION)
    this.isCopy = this.#word(slot, STATE) === HELD_COPY
  }

  #showSuccessor(): void {
    const slot = slotOf(this.#next + 1)
    this.payloadStart = this.#word(slot, START)
    this.payloadLength = this.#holds(this.#next + 1) ? this.#word(slot, LENGTH) : 0
  }

  /** Tells whether the packet is here and waits. */
  #holds(sequence: number): boolean {
    const slot = slotOf(sequence)
    const state = this.#word(slot, STATE)
    return this.#word(slot, SEQUENCE) === sequence && (state === HELD || state === HELD_COPY)
  }

  #release(slot: number, state: typeof PLAYED | typeof EMPTY): void {
    this.#slots[slot * SLOT_WORDS + STATE] = state
    this.#held -= 1
  }

  /** Reads of a payload of speech, which takes two lines of memory. */
  #line(at: number): number {
    return (this.memory[at] ?? 0) + (this.memory[at + LINE_BYTES] ?? 0)
  }

  #word(slot: number, word: number): number {
    return this.#slots[slot * SLOT_WORDS + word] ?? 0
  }
}

/** The low 16 bits of `value` as a signed number: how far, and on which side, one sequence number is of another. */
function signed16(value: number): number {
  return (value << 16) >> 16
}

function slotOf(sequence: number): number {
  return sequence & (CAPACITY_PACKETS - 1)
}

/** What stands in the row of a slot. */
const SEQUENCE = 0
const STATE = 1
const MEDIA_TICKS = 2
const TIMESTAMP = 3
const START = 4
const LENGTH = 5
const DURATION = 6
const ARRIVED_AT = 7
const SLOT_WORDS = 8

/** Whether the packet of a slot waits, by itself or as a copy, or has left. */
const EMPTY = 0
const HELD = 1
const HELD_COPY = 2
const PLAYED = 3

/** What a processor fetches at once. */
const LINE_BYTES = 64

/** How early a tick may be and still serve a packet that is due at the next. */
const TICK_TOLERANCE_MILLIS = FRAME_MILLIS / 2

/** Longest wait of any packet: the largest delay, and a frame. */
export const MAX_WAIT_MILLIS = 220

/** Packets held at most: 1.3 s of 20 ms packets. A power of two, so that a sequence number maps to its slot. */
export const CAPACITY_PACKETS = 64

/** Room for 1.3 s of Opus at 100 kbit/s, or of G.711 in packets of 20 ms. */
const MEMORY_BYTES = 16_384
/** What a call begins with, and most never exceed: the largest delay of Opus at 64 kbit/s. Longer than a payload. */
const FIRST_MEMORY_BYTES = 2_048

/** Largest RTP payload taken; no datagram from a client carries more. */
export const MAX_PAYLOAD_BYTES = 1452

/** A packet further behind is not a late one but a sender that began anew, RFC 3550 appendix A.1. */
const MAX_MISORDER = 100
