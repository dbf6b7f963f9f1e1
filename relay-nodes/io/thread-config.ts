/** What a relay thread is born with, so that its relay stands before it is needed. */

import type { RelayNodeConfig } from '../config.ts'
import type { RelayConfig } from '../core/relay.ts'

/** What a relay needs and another thread can send it. */
export type ThreadConfig = Omit<RelayConfig, 'routeKeys' | 'recovers' | 'health'>

/** Which secrets all threads of a process share. */
export type SharedSecrets = Pick<RelayConfig, 'cookie' | 'hashKey'>

/** Derives it from the relay's configuration; threads carry UDP alone. */
export function threadConfigOf(config: RelayNodeConfig, { cookie, hashKey }: SharedSecrets): ThreadConfig {
  return {
    cookie,
    listeners: config.clientPorts.length,
    maxFlows: config.maxFlows,
    hashKey,
  }
}
