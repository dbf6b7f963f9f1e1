/** The embedded store in the benchmark's own process; it can be told to refuse the bindings and keep the fleet. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { monotonicNow } from '#shared/platform/clock'
import type { Command, Engine, Reply } from '../../scripts/local-store/engine.ts'
import { MemoryEngine } from '../../scripts/local-store/memory-engine.ts'
import { createRestServer } from '../../scripts/local-store/rest-server.ts'

export interface BenchStore {
  readonly url: string
  readonly token: string
  close(): Promise<void>
}

/** Starts a store on a free port. */
export async function startBenchStore(keepsBindings: boolean): Promise<BenchStore> {
  const engine = new MemoryEngine(monotonicNow)
  const server = createRestServer({ engine: keepsBindings ? engine : withoutBindings(engine), token: TOKEN })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: TOKEN,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function withoutBindings(engine: Engine): Engine {
  const isRefused = ([, key = '']: Command) => key.startsWith('firsthop:bindings:')
  return {
    execute: async (commands) => {
      const replies: Reply[] = []
      for (const command of commands) {
        replies.push(...(isRefused(command) ? [REFUSAL] : await engine.execute([command])))
      }
      return replies
    },
    transact: (commands) => engine.transact(commands),
  }
}

const TOKEN = 'bench'
const REFUSAL = { error: 'ERR bindings are out of order' }
