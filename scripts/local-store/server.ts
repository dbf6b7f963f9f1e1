/**
 * The embedded store as one call: Upstash's REST protocol over the in-memory engine, on loopback.
 *
 * Everything is in memory: after a restart the nodes register themselves again within one heartbeat.
 */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { monotonicNow } from '#shared/platform/clock'
import { MemoryEngine } from './memory-engine.ts'
import { createRestServer } from './rest-server.ts'

export interface LocalStoreOptions {
  /** Loopback unless it is told otherwise. */
  readonly host?: string
  /** 0 takes a free port. */
  readonly port: number
  readonly token: string
}

export interface LocalStore {
  readonly url: string
  close(): Promise<void>
}

/** Starts the store; resolves when it listens, rejects when the port is taken. */
export async function startLocalStore({
  host = '127.0.0.1',
  port,
  token,
}: LocalStoreOptions): Promise<LocalStore> {
  const server = createRestServer({ engine: new MemoryEngine(monotonicNow), token }).listen(port, host)
  await once(server, 'listening')
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
