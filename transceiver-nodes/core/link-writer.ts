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

/** Sends the datagram at `start` by a link; the memory is reused after the call. */
export type EmitDatagram = (link: number, start: number, length: number) => void

/** Writes frames into caller-owned memory, one open datagram per link. */
export class LinkWriter {
  readonly #memory: Uint8Array
  readonly #base: number
  readonly #directory: RelayDirectory
  readonly #emit: EmitDatagram
  /** Length so far of the open datagram of each region; 0: none. */
  readonly #lengths = new Int32Array(REGIONS)
  readonly #links = new Int32Array(REGIONS).fill(-1)
  #region = 0
  #path: IcePath | undefined
  #flags = 0
  #payloadStart = 0

  /** Uses `LINK_WRITER_BYTES` of `memory` from `base` on. */
  constructor(memory: Uint8Array, base: number, directory: RelayDirectory, emit: EmitDatagram) {
    if (base + LINK_WRITER_BYTES > memory.length) throw new RangeError('link writer: memory is too small')
    this.#memory = memory
    this.#base = base
    this.#directory = directory
    this.#emit = emit
  }

  /** Opens a frame for up to `maxPayloadBytes` and returns where its payload goes; -1: the relay's cookie is unknown. */
  begin(path: IcePath, flags: number, maxPayloadBytes: number): number {
    if (this.#directory.linkAt(path.link)?.cookie === undefined) return -1
    const header = frameHeaderBytes(path.client, 0)
    this.#region = this.#regionFor(path.link, header + maxPayloadBytes)
    this.#path = path
    this.#flags = flags
    this.#payloadStart = this.#endOfRegion() + header
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
    this.#lengths[this.#region] = (this.#lengths[this.#region] ?? 0) + header + payloadLength
  }

  /** Writes one whole payload as a frame; false: the relay's cookie is unknown. */
  write(path: IcePath, payload: Uint8Array, flags: number): boolean {
    const start = this.begin(path, flags, payload.length)
    if (start < 0) return false
    this.#memory.set(payload, start)
    this.commit(payload.length)
    return true
  }

  /** Emits every open datagram. */
  flush(): void {
    for (let region = 0; region < REGIONS; region++) this.#flushRegion(region)
  }

  /** The region with this link's open datagram if the frame still fits, or an empty one. */
  #regionFor(link: number, frameBytes: number): number {
    const region = link % REGIONS
    const length = this.#lengths[region] ?? 0
    if (length > 0 && (this.#links[region] !== link || length + frameBytes > MAX_BUNDLE_BYTES)) {
      this.#flushRegion(region)
    }
    if ((this.#lengths[region] ?? 0) === 0) this.#open(region, link)
    return region
  }

  #open(region: number, link: number): void {
    const cookie = this.#directory.linkAt(link)?.cookie
    if (cookie === undefined) return
    writeLinkHeader(this.#memory, this.#base + region * REGION_BYTES, LINK_TYPE_DATA, cookie)
    this.#lengths[region] = LINK_HEADER_BYTES
    this.#links[region] = link
  }

  #flushRegion(region: number): void {
    const length = this.#lengths[region] ?? 0
    this.#lengths[region] = 0
    // An opened datagram whose frame was never committed holds a bare header.
    if (length > LINK_HEADER_BYTES) {
      this.#emit(this.#links[region] ?? -1, this.#base + region * REGION_BYTES, length)
    }
  }

  #endOfRegion(): number {
    return this.#base + this.#region * REGION_BYTES + (this.#lengths[this.#region] ?? 0)
  }
}

/** Most links written to in one turn without an early flush. */
const REGIONS = 16
/** Room for one datagram: the MTU, or a single frame of the largest client payload. */
const REGION_BYTES = 2048
/** Memory that a writer needs. */
export const LINK_WRITER_BYTES = REGIONS * REGION_BYTES
