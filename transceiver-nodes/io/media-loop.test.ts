import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { concatBytes } from '#shared/bytes'
import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import {
  LINK_HEADER_BYTES,
  LINK_PROBE_BYTES,
  LINK_TYPE_DATA,
  LINK_TYPE_PING,
  LINK_TYPE_PONG,
  writeFrameHeader,
  writeLinkHeader,
  writeLinkProbe,
} from '#shared/link/frame'
import { aesBlockCipher } from '#shared/platform/crypto'
import { monotonicNow } from '#shared/platform/clock'
import { openLog } from '#shared/platform/log'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { RouteKeyRing } from '#shared/ufrag/route'
import { relayRecord } from '../../tests/fleet-records.ts'
import { IcePath } from '../core/ice/path.ts'
import { LinkProbes } from '../core/link-probes.ts'
import { LINK_WRITER_BYTES, LinkWriter } from '../core/link-writer.ts'
import type { LinkOutput } from '../core/link-writer.ts'
import { FRAME_MILLIS } from '../core/media/pacer.ts'
import { RelayDirectory } from '../core/relay-directory.ts'
import { SessionTable } from '../core/session-table.ts'
import { DropCounts } from './drops.ts'
import type { TransceiverDrop } from './drops.ts'
import type { LinkPort } from './link-port.ts'
import type { LoopSession } from './loop-session.ts'
import { MediaLoop } from './media-loop.ts'

const BEFORE = new Uint8Array(8).fill(1)
const AFTER = new Uint8Array(8).fill(2)
const TOKEN = new Uint8Array(8).fill(3)
const RELAY: Endpoint = { address: '10.0.0.1', port: 7471 }
const SIBLING: Endpoint = { address: '10.0.0.2', port: 7471 }
const RTP = Uint8Array.from({ length: 40 }, (_, i) => (i === 0 ? 0x80 : i))
const RTCP = Uint8Array.from({ length: 40 }, (_, i) => (i === 0 ? 0x80 : i === 1 ? 200 : i))
const DTLS = Uint8Array.from({ length: 40 }, (_, i) => (i === 0 ? 22 : i))

let world: World

beforeEach(() => {
  world = new World()
})

describe('the cookie of a relay that has restarted', () => {
  test.each([
    ['RTP', RTP],
    ['RTCP', RTCP],
  ])('is learned from the first %s that authenticates, and echoed from then on', (_, packet) => {
    expect(world.answer()).toMatchObject({ cookie: BEFORE })
    world.arrive(RELAY, AFTER, packet)
    expect(world.answer()).toMatchObject({ cookie: AFTER })
  })

  test('is learned from the pong to a ping, before any client has said a word', () => {
    world.answer()
    world.probes.handleTimeout(monotonicNow())
    expect(world.sent.at(-1)?.datagram[1]).toBe(LINK_TYPE_PING)
    const pong = new Uint8Array(LINK_PROBE_BYTES)
    writeLinkProbe(pong, 0, LINK_TYPE_PONG, AFTER, TOKEN)
    world.receive(RELAY, pong)
    expect(world.answer()).toMatchObject({ cookie: AFTER })
  })

  test('is learned from nothing else', () => {
    world.arrive(RELAY, AFTER, DTLS)
    world.srtp = 'srtp-too-early'
    world.arrive(RELAY, AFTER, RTP)
    const pong = new Uint8Array(LINK_PROBE_BYTES)
    writeLinkProbe(pong, 0, LINK_TYPE_PONG, AFTER, TOKEN)
    world.receive(RELAY, pong)
    expect(world.answer()).toMatchObject({ cookie: BEFORE })
    expect(world.drops.toRecord()).toEqual({ 'srtp-too-early': 1, 'stray-pong': 1 })
  })
})

test('answers a client by the sibling that its packets come by now', () => {
  world.arrive(SIBLING, AFTER, RTP)
  expect(world.answer()).toEqual({ to: SIBLING, cookie: AFTER })
  world.srtp = 'srtp-too-early'
  world.arrive(RELAY, BEFORE, RTP)
  expect(world.answer()).toEqual({ to: SIBLING, cookie: AFTER })
})

test('answers pings of the relays it knows, and of nobody else', () => {
  const ping = new Uint8Array(LINK_PROBE_BYTES)
  writeLinkProbe(ping, 0, LINK_TYPE_PING, AFTER, TOKEN)
  world.receive({ ...RELAY, port: 1 }, ping)
  expect(world.sent).toEqual([])
  world.receive(RELAY, ping)
  const pong = new Uint8Array(LINK_PROBE_BYTES)
  writeLinkProbe(pong, 0, LINK_TYPE_PONG, AFTER, TOKEN)
  expect(world.sent).toEqual([{ to: RELAY, datagram: pong }])
})

describe('RTP on a port that keeps what it has received', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
    world = new World()
    world.tick()
    world.did.length = 0
    world.released = 0
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('waits for the tick, and is opened just before its session sends', () => {
    world.turn([[RELAY, AFTER, RTP]])
    expect(world.did).toEqual([])
    world.tick()
    expect(world.did).toEqual(['rtp', 'tick'])
    expect(world.released).toBe(1)
    expect(world.answer()).toEqual({ to: RELAY, cookie: AFTER })
  })

  test('is opened at once when the port has no room to keep more', () => {
    world.isPortFull = true
    world.turn([[RELAY, AFTER, RTP]])
    expect(world.did).toEqual(['rtp'])
    expect(world.released).toBe(1)
  })

  test('is dropped and counted when its session has ended in between', () => {
    world.turn([[RELAY, AFTER, RTP]])
    world.endSession()
    world.tick()
    expect(world.did).toEqual([])
    expect(world.drops.toRecord()).toEqual({ 'session-unknown': 1 })
  })

  test('ends its session and nothing else when it finds a bug there', () => {
    world.srtp = new Error('a bug')
    world.turn([[RELAY, AFTER, RTP]])
    world.tick()
    expect(world.ended).toEqual(['internal-error'])
    expect(world.released).toBe(1)
  })
})

describe('a tick', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
    world = new World()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('asks a session for its timeouts when they are due, when something has come for it, and every 100 ms', () => {
    world.timeoutAt = millisOf(monotonicNow() + 1_000)
    for (let ticks = 0; ticks < 50; ticks++) world.tick()
    expect(world.did.filter((what) => what === 'timeout')).toHaveLength(1)
    expect(world.asked).toBeLessThan(2 * 12)
    world.asked = 0
    world.arrive(RELAY, BEFORE, DTLS)
    world.tick()
    expect(world.asked).toBe(2)
  })

  test('asks all sessions when a relay is lost', () => {
    world.tick()
    world.asked = 0
    world.probes.health.losses++
    world.tick()
    expect(world.asked).toBe(2)
  })

  test('ends a session and nothing else when a bug shows as its memory is asked for', () => {
    world.prefetch = () => {
      throw new Error('a bug')
    }
    world.tick()
    expect(world.ended).toEqual(['internal-error'])
    expect(world.did).toEqual([])
  })
})

/** A loop with one session on one path, whose client is behind two relays of one VIP. */
class World {
  readonly sent: { to: Endpoint | undefined; datagram: Uint8Array }[] = []
  readonly drops = new DropCounts()
  readonly probes: LinkProbes
  /** What becomes of SRTP; undefined: it authenticates. */
  srtp: TransceiverDrop | Error | undefined = undefined
  /** What the session has done, and why it was ended. */
  readonly did: string[] = []
  readonly ended: string[] = []
  isPortFull = false
  released = 0
  /** When the session has something to do, and how often it was asked. */
  timeoutAt: Millis | undefined
  asked = 0
  prefetch = () => 0
  readonly #memory = new Uint8Array(LINK_WRITER_BYTES + LINK_PROBE_BYTES + 2_048)
  readonly #directory = new RelayDirectory()
  readonly #writer: LinkWriter
  readonly #loop: MediaLoop<LoopSession>
  readonly #path: IcePath
  readonly #table = new SessionTable<LoopSession>(1, [0, 0])
  readonly #client = words({ address: '198.51.100.7', port: 50_000 })

  constructor() {
    const now = monotonicNow()
    const relays = [relayRecord({ id: 'relay', link: RELAY }), relayRecord({ id: 'sibling', link: SIBLING })]
    this.#directory.update(relays, now)
    const link = this.#directory.find(words(RELAY), 0)
    this.#directory.learnCookie(link, BEFORE, 0)
    const output: LinkOutput = {
      add: (to, start, length) => {
        const datagram = this.#memory.slice(start, start + length)
        this.sent.push({ to: this.#directory.linkAt(to)?.endpoint, datagram })
      },
      flush: () => undefined,
    }
    this.probes = new LinkProbes(this.#memory, LINK_WRITER_BYTES, this.#directory, () => TOKEN, output)
    this.#writer = new LinkWriter(this.#memory, 0, this.#directory, output)
    this.#path = new IcePath(this.#directory.vipOf(link), link, this.#client, 0, 0, now)
    const session = this.#session()
    this.#table.add(1, session)
    this.#table.bind(this.#path, session, now)
    this.#loop = new MediaLoop({
      memory: this.#memory,
      directory: this.#directory,
      table: this.#table,
      writer: this.#writer,
      probes: this.probes,
      drops: this.drops,
      routeKeys: new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(new Uint8Array(16)) }], 0),
      cluster: 1,
      transceiver: 1,
      log: openLog({ write: () => undefined }),
    })
  }

  /** A packet of the client arrives from a relay, on a port that does not keep it. */
  arrive(from: Endpoint, cookie: Uint8Array, packet: Uint8Array): void {
    this.receive(from, this.#datagram(cookie, packet))
  }

  /** A turn of the loop on a port that keeps what has arrived. */
  turn(arrivals: [from: Endpoint, cookie: Uint8Array, packet: Uint8Array][]): void {
    this.#loop.turn(this.#port(arrivals), 0)
  }

  /** A turn at the time of the next tick. */
  tick(): void {
    vi.advanceTimersByTime(FRAME_MILLIS)
    this.turn([])
  }

  endSession(): void {
    this.#table.remove(1)
  }

  #port(arrivals: [from: Endpoint, cookie: Uint8Array, packet: Uint8Array][]): LinkPort {
    return {
      isPolled: true,
      isFull: this.isPortFull,
      receive: () => {
        for (const [from, cookie, packet] of arrivals) this.arrive(from, cookie, packet)
        return arrivals.length
      },
      release: () => void this.released++,
      add: () => expect.unreachable(),
      flush: () => undefined,
      counts: { refused: 0, truncated: 0, kernelDrops: 0 },
      close: () => Promise.resolve(),
    }
  }

  #datagram(cookie: Uint8Array, packet: Uint8Array): Uint8Array {
    const head = new Uint8Array(64)
    const start = writeLinkHeader(head, 0, LINK_TYPE_DATA, cookie)
    const end = start + writeFrameHeader(head, start, this.#client, 0, 0, packet.length)
    return concatBytes(head.subarray(0, end), packet)
  }

  receive(from: Endpoint, datagram: Uint8Array): void {
    const at = LINK_WRITER_BYTES + LINK_PROBE_BYTES
    this.#memory.set(datagram, at)
    this.#loop.handleDatagram(at, datagram.length, words(from), 0)
  }

  /** The session sends a packet: whom it goes to, and the cookie it carries. */
  answer(): { to: Endpoint | undefined; cookie: Uint8Array } {
    this.probes.health.noteTraffic(this.#path.link, monotonicNow())
    this.#writer.write(this.#path, RTP, 0)
    this.#writer.flush()
    const last = this.sent.at(-1)
    return { to: last?.to, cookie: last?.datagram.slice(4, LINK_HEADER_BYTES) ?? new Uint8Array(0) }
  }

  #session(): LoopSession {
    return {
      isConnected: true,
      hasChannel: false,
      handleStun: () => 'ice-type',
      handleDtls: () => undefined,
      handleRtp: () => this.#handle('rtp'),
      handleRtcp: () => this.#handle('rtcp'),
      flush: () => undefined,
      prefetch: () => this.prefetch(),
      tick: () => void this.did.push('tick'),
      handleTimeout: () => {
        this.did.push('timeout')
        this.timeoutAt = undefined
      },
      pollTimeout: () => {
        this.asked++
        return this.timeoutAt
      },
      end: (reason) => {
        this.ended.push(reason)
        this.endSession()
      },
    }
  }

  #handle(kind: string): TransceiverDrop | undefined {
    if (this.srtp instanceof Error) throw this.srtp
    this.did.push(kind)
    return this.srtp
  }
}

function words(endpoint: Endpoint): Int32Array {
  const written = new Int32Array(ENDPOINT_WORDS)
  writeClient(written, 0, { ...endpoint, listener: 0, transport: 'udp' })
  return written
}
