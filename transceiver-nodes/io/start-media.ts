/** Starts what carries calls: threads on batched sockets, or one engine on dgram where there are none. */

import type { Log } from '#shared/platform/log'
import { epochNow } from '#shared/platform/clock'
import { minutesOf, parseUfrag, ufragOf } from '#shared/ufrag/route'
import type { TransceiverConfig } from '../config.ts'
import { createCertificate } from '../crypto/certificate.ts'
import { openBackend } from '../backends/open-backend.ts'
import { mediaOf } from './media.ts'
import type { Media } from './media.ts'
import { startMediaEngine } from './media-engine.ts'
import { SidebandHub } from './sideband-hub.ts'

/** What the media are started with. */
export interface StartMediaOptions {
  readonly config: TransceiverConfig
  /** Where the configuration comes from: each thread reads it for itself. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Reads the registry before its time: a relay has joined since. */
  readonly refreshFleet: () => void
  readonly log: Log
}

/** Starts the threads that the configuration wants; rejects when a port is taken. */
export async function startMedia({
  config,
  environment,
  refreshFleet,
  log,
}: StartMediaOptions): Promise<Media> {
  const { link, threads, capacity } = config
  const shared = { capacity, certificate: createCertificate(), refreshFleet, log }
  if (threads === 0) {
    const hub = new SidebandHub()
    const engine = await startMediaEngine({
      ...shared,
      config,
      index: 0,
      backend: openBackend(config.backend),
      socket: undefined,
      onSideband: (notice) => hub.handleNotice(notice),
    })
    return mediaOf(engine, hub)
  }
  // Only where batches work: it loads what does not exist elsewhere.
  const { MediaThreads } = await import('./media-threads.ts')
  const started = await MediaThreads.start({
    ...shared,
    links: Array.from({ length: threads }, (_, index) => ({ ...link, port: link.port + index })),
    threadOf: (callId) => threadOf(callId, config),
    environment,
  })
  let kills = 0
  if (config.injectsFaults) process.on('SIGUSR2', () => void started.killThread(kills++ % threads))
  return started
}

/** Which thread of this transceiver a call id names. */
function threadOf(callId: string, config: TransceiverConfig): number | undefined {
  const ufrag = ufragOf(callId)
  const route = ufrag === undefined ? undefined : parseUfrag(ufrag, config.routeKeys, minutesOf(epochNow()))
  if (route === undefined || typeof route === 'string') return undefined
  const index = route.transceiver - config.transceiver
  return route.cluster === config.cluster && index >= 0 ? index : undefined
}
