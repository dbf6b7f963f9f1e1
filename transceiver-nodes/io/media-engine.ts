/**
 * Everything that serves calls on one thread: its link port, its sessions, its loop. docs/transceiver.md.
 *
 * It runs on a thread of its own (`media-thread.ts`), or, where there are no threads, on the main one. All that it
 * shares with its neighbours is the configuration and the certificate.
 */

import { readI32 } from '#shared/bytes'
import type { RelayRecord } from '#shared/fleet/record'
import { LINK_PROBE_BYTES } from '#shared/link/frame'
import { monotonicNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import type { Log } from '#shared/platform/log'
import { PacketMemory } from '#shared/platform/packet-memory'
import type { SocketHandle } from '#shared/platform/udp-socket'
import type { Backend } from '../backends/backend.ts'
import type { TransceiverConfig } from '../config.ts'
import { GoodbyeSlab } from '../core/goodbye-slab.ts'
import { LinkProbes } from '../core/link-probes.ts'
import { LINK_WRITER_BYTES, LinkWriter } from '../core/link-writer.ts'
import type { LinkOutput } from '../core/link-writer.ts'
import { RelayDirectory } from '../core/relay-directory.ts'
import { SessionTable } from '../core/session-table.ts'
import type { DtlsCertificate } from '../crypto/certificate.ts'
import { DtlsContext } from '../crypto/dtls-context.ts'
import type { Call } from './call.ts'
import { Calls } from './calls.ts'
import { DropCounts } from './drops.ts'
import { DGRAM_PORT_BYTES, openLinkPort } from './link-port.ts'
import type { LinkPort } from './link-port.ts'
import { LoadMeter } from './load-meter.ts'
import type { MediaCommands } from './media-commands.ts'
import { MediaLoop } from './media-loop.ts'
import { SidebandDesk } from './sideband-desk.ts'
import type { SidebandNotice } from './sideband-desk.ts'
import { TurnClock } from './turn-clock.ts'

/** What an engine is told when it starts. */
export interface MediaEngineOptions {
  readonly config: TransceiverConfig
  /** Which of the transceiver's threads this is. */
  readonly index: number
  /** Sessions admitted at once. */
  readonly capacity: number
  readonly certificate: DtlsCertificate
  readonly backend: Backend
  /** The socket to serve in batches; undefined: the engine binds the link itself, on dgram. */
  readonly socket: SocketHandle | undefined
  /** Memory of whoever will say goodbye to the clients if this thread dies; absent: nobody outlives it. */
  readonly goodbyes?: SharedArrayBuffer
  /** Reads the registry before its time: a relay has joined since. */
  readonly refreshFleet: () => void
  /** Hears what sidebands are told. */
  readonly onSideband: (notice: SidebandNotice) => void
  readonly log: Log
}

/** A running engine. */
export interface MediaEngine extends MediaCommands {
  /** Ends every call with its goodbye, and frees the port. */
  close(): Promise<void>
}

/** Starts an engine; rejects when it has to bind its link and cannot. */
export async function startMediaEngine(options: MediaEngineOptions): Promise<MediaEngine> {
  const { config, socket, log } = options
  const { routeKeys, cluster } = config
  const transceiver = config.transceiver + options.index
  const memory = new PacketMemory(
    PORT_AT + (socket === undefined ? DGRAM_PORT_BYTES : await batchPortBytes()),
  )
  const directory = new RelayDirectory()
  const drops = new DropCounts()
  const hashKey = randomBytes(8)
  const table = new SessionTable<Call>(options.capacity, [readI32(hashKey, 0), readI32(hashKey, 4)])
  let port: LinkPort | undefined
  const output: LinkOutput = {
    add: (link, start, length) => {
      const to = directory.linkAt(link)
      if (to !== undefined) port?.add(to, start, length)
    },
    flush: () => port?.flush(),
  }
  const probes = new LinkProbes(memory.bytes, LINK_WRITER_BYTES, directory, randomBytes, output)
  const writer = new LinkWriter(memory.bytes, 0, directory, {
    add: (link, start, length) => {
      probes.health.noteTraffic(link, monotonicNow())
      output.add(link, start, length)
    },
    flush: () => output.flush(),
  })
  const loop = new MediaLoop<Call>({
    memory: memory.bytes,
    directory,
    table,
    writer,
    probes,
    drops,
    routeKeys,
    cluster,
    transceiver,
    log,
  })
  const meter = new LoadMeter()
  const calls = new Calls({
    node: { id: config.nodeId, region: config.region },
    cluster,
    transceiver,
    routeKeys,
    directory,
    table,
    writer,
    memory,
    linkHealth: probes.health,
    dtlsContext: new DtlsContext(options.certificate),
    backend: options.backend,
    drops,
    goodbyes: options.goodbyes && new GoodbyeSlab(options.goodbyes, directory),
    load: () => meter.load,
    maxCallMillis: config.maxSessionSeconds * 1_000,
    refreshFleet: options.refreshFleet,
    requestFlush: () => loop.requestFlush(),
    log,
  })
  const desk = new SidebandDesk((callId) => calls.find(callId), options.onSideband)
  port = await openPort(options, memory, loop)
  const clock = new TurnClock(loop, port)
  meter.onLoad = (load) => (clock.mayAttend = load < ATTENTIVE_LOAD)
  clock.start()
  const openedPort = port
  return {
    place: (request) => {
      const placed = calls.place(request)
      // The client's first check is on its way.
      loop.attend(monotonicNow())
      clock.start()
      return placed
    },
    hangUp: (callId) => calls.hangUp(callId),
    restartIce: (order) => calls.restartIce(order),
    describe: (callId) => calls.describe(callId),
    attach: (order) => desk.attach(order),
    handleSideband: (message) => desk.handleMessage(message),
    detach: (id) => desk.detach(id),
    drain: (millis) => calls.drain(millis),
    endAll: (reason) => calls.endAll(reason),
    handleRelays: (relays: readonly RelayRecord[]) => directory.update(relays, monotonicNow()),
    counts: () => ({
      ...calls.counts,
      drops: drops.toRecord(),
      links: { watched: probes.health.watched, lost: probes.health.lost },
      port: openedPort.counts,
      worstLateness: loop.lateness.takeWorst(),
      ticksByLateness: loop.lateness.counts(),
      load: meter.load,
    }),
    close: async () => {
      calls.endAll('shut-down')
      clock.stop()
      meter.stop()
      await openedPort.close()
    },
  }
}

/** The batched port is loaded only where it works. */
async function openPort(
  { config, index, socket, log }: MediaEngineOptions,
  memory: PacketMemory,
  loop: MediaLoop<Call>,
): Promise<LinkPort> {
  if (socket === undefined) {
    const bind = { address: config.link.address, port: config.link.port + index }
    return openLinkPort(bind, memory.bytes, PORT_AT, loop, log)
  }
  const { BatchLinkPort } = await import('./batch-link-port.ts')
  return new BatchLinkPort(socket, memory, PORT_AT, loop)
}

async function batchPortBytes(): Promise<number> {
  return (await import('./batch-link-port.ts')).BATCH_PORT_BYTES
}

/** In the packet memory: what is sent, what is pinged, and the port's own, 8-byte aligned. */
const PORT_AT = (LINK_WRITER_BYTES + LINK_PROBE_BYTES + 7) & ~7
/** A thread with more to do than this has no time to wait for single packets. */
const ATTENTIVE_LOAD = 0.6
