/** What one isolate holds between requests: the checked environment, and what is built from it once. */

import type { Context } from 'hono'
import { aesBlockCipher } from '#shared/platform/crypto'
import type { Log } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { RouteKeyRing } from '#shared/ufrag/route'
import type { WorkerEnv } from './env.ts'
import { Fleet } from './fleet.ts'
import type { KeepAlive } from './fleet.ts'
import { CallCap } from './call-cap.ts'
import { ApiKeys } from './keys/api-keys.ts'
import { ClientSecrets } from './keys/client-secret.ts'
import { Transceivers } from './transceivers.ts'

export interface Edge {
  readonly env: WorkerEnv
  readonly log: Log
  readonly fleet: Fleet
  readonly transceivers: Transceivers
  readonly apiKeys: ApiKeys
  readonly clientSecrets: ClientSecrets
  readonly callCap: CallCap
  readonly routeKeys: RouteKeyRing
}

/** What a request carries through Hono's context. */
export interface EdgeContext {
  readonly Bindings: object
  readonly Variables: { edge: Edge; requestId: string }
}

/** Builds everything; connects to nothing. */
export function openEdge(env: WorkerEnv, log: Log): Edge {
  const routeKeys = env.routeKeys.map(({ id, key }) => ({ id, cipher: aesBlockCipher(key) }))
  return {
    env,
    log,
    fleet: new Fleet(openStore(env.store), log),
    transceivers: new Transceivers(env.controlKey),
    apiKeys: new ApiKeys(env.apiKeys),
    callCap: new CallCap(),
    clientSecrets: new ClientSecrets(env.secretKeys),
    routeKeys: new RouteKeyRing(routeKeys, env.routeKeys[0].id),
  }
}

/** Returns what lets work go on after the answer to the request of `context`. */
export function keepAliveOf(context: Context<EdgeContext>): KeepAlive {
  return (work) => context.executionCtx.waitUntil(work)
}
