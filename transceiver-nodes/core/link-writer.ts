/**
 * Gathers frames for the relays into link datagrams: docs/link.md.
 *
 * A packet is written straight into its place in the datagram, so encryption in place is the last time its
 * bytes are touched. Frames for one relay share a datagram while they fit; nothing waits: whoever writes also
 * flushes at the end of the same turn.
 */

import {
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  MAX_BUNDLE_BYTES,
  writeFrameHeader,
  writeLinkHeader,
} from '#shared/link/frame'
import type { IcePath } from './ice/path.ts'
import type { RelayDirectory } from './relay-directory.ts'

/** Takes finished datagrams. */
export interface LinkOutput {
  /** Takes the datagram at `start` for a link; the memory stays as it is until `flush`. */
  add(link: number, start: number, length: number): void
  /** Sends what was added. */
  flush(): void
}

/** Writes frames into caller-owned memory, one open datagram per link. */
export class LinkWriter {
  readonly #memory: Uint8Array
  readonly #base: number
  readonly #directory: RelayDirectory
  readonly #output: LinkOutput
  /** Length so far of the open datagram of each lane, 0: none; the slot that it lies in; its link. */
  readonly #lengths = new Int32Array(LANES)
  readonly #slots = new Int32Array(LANES)
  readonly #links = new Int32Array(LANES).fill(-1)
  #slotsTaken = 0
  #lane = 0
  #path: IcePath | undefined
  #flags = 0
  #payloadStart = 0

  /** Uses `LINK_WRITER_BYTES` of `memory` from `base` on. */
  constructor(memory: Uint8Array, base: number, directory: RelayDirectory, output: LinkOutput) {
    if (base + LINK_WRITER_BYTES > memory.length) throw new RangeError('link writer: memory is too small')
    this.#memory = memory
    this.#base = base
    this.#directory = directory
    this.#output = output
  }

  /** Opens a frame for up to `maxPayloadBytes` and returns where its payload goes; -1: the relay's cookie is unknown. */
  begin(path: IcePath, flags: number, maxPayloadBytes: number): number {
    if (this.#directory.linkAt(path.link)?.cookie === undefined) return -1
    const header = frameHeaderBytes(path.client, 0)
    this.#lane = this.#laneFor(path.link, header + maxPayloadBytes)
    this.#path = path
    this.#flags = flags
    this.#payloadStart = this.#endOfLane() + header
    return this.#payloadStart
  }

  /** Closes the frame that `begin` opened, with the payload that was written there. */
  commit(payloadLength: number): void {
    const path = this.#path
    if (path === undefined) return
    this.#path = undefined
    const header = frameHeaderBytes(path.client, 0)
    const at = this.#payloadStart - header
    writeFrameHeader(this.#memory, at, path.client, 0, this.#flags, payloadLength)
    this.#lengths[this.#lane] = (this.#lengths[this.#lane] ?? 0) + header + payloadLength
  }

  /** Writes one whole payload as a frame; false: the relay's cookie is unknown. */
  write(path: IcePath, payload: Uint8Array, flags: number): boolean {
    const start = this.begin(path, flags, payload.length)
    if (start < 0) return false
    this.#memory.set(payload, start)
    this.commit(payload.length)
    return true
  }

  /** Sends everything that has been written. */
  flush(): void {
    if (this.#slotsTaken === 0) return
    for (let lane = 0; lane < LANES; lane++) this.#close(lane)
    this.#slotsTaken = 0
    this.#output.flush()
  }

  /** The lane with this link's open datagram if the frame still fits, or with a new one. */
  #laneFor(link: number, frameBytes: number): number {
    const lane = link % LANES
    const length = this.#lengths[lane] ?? 0
    if (length > 0 && (this.#links[lane] !== link || length + frameBytes > MAX_BUNDLE_BYTES))
      this.#close(lane)
    if ((this.#lengths[lane] ?? 0) === 0) this.#open(lane, link)
    return lane
  }

  #open(lane: number, link: number): void {
    const cookie = this.#directory.linkAt(link)?.cookie
    if (cookie === undefined) return
    if (this.#slotsTaken === SLOTS) this.flush()
    this.#slots[lane] = this.#slotsTaken++
    writeLinkHeader(this.#memory, this.#startOf(lane), LINK_TYPE_DATA, cookie)
    this.#lengths[lane] = LINK_HEADER_BYTES
    this.#links[lane] = link
  }

  #close(lane: number): void {
    const length = this.#lengths[lane] ?? 0
    this.#lengths[lane] = 0
    // An opened datagram whose frame was never committed holds a bare header.
    if (length > LINK_HEADER_BYTES) this.#output.add(this.#links[lane] ?? -1, this.#startOf(lane), length)
  }

  #startOf(lane: number): number {
    return this.#base + (this.#slots[lane] ?? 0) * SLOT_BYTES
  }

  #endOfLane(): number {
    return this.#startOf(this.#lane) + (this.#lengths[this.#lane] ?? 0)
  }
}

/** Most links written to at once; two that share a lane take turns, a datagram each. */
const LANES = 16
/** Datagrams that are gathered before they are sent: what one `sendmmsg` takes. */
export const LINK_WRITER_SLOTS = 64
const SLOTS = LINK_WRITER_SLOTS
/** Room for one datagram: the MTU, or a single frame of the largest client payload. */
const SLOT_BYTES = 2048
/** Memory that a writer needs. */
export const LINK_WRITER_BYTES = SLOTS * SLOT_BYTES
