/** The configuration of a transceiver, from environment variables: docs/operate.md. */

import { availableParallelism } from 'node:os'
import type { Endpoint } from '#shared/endpoint'
import { MAX_LINK_PORTS } from '#shared/fleet/record'
import { isBatchSupported } from '#shared/platform/batch-support'
import { Environment } from '#shared/platform/environment'
import type { LogLevel } from '#shared/platform/log'
import type { RouteKeyRing } from '#shared/ufrag/route'
import { readBackendConfig } from './backends/backend-config.ts'
import type { RealtimeTarget } from './backends/realtime.ts'

/** Everything that a transceiver is told when it starts. */
export interface TransceiverConfig {
  readonly nodeId: string
  readonly region: string
  readonly latitude: number
  readonly longitude: number
  /** The ids that routes name this transceiver by, or the first of its threads. */
  readonly cluster: number
  readonly transceiver: number
  /** The link of the first thread; those of the others take the ports behind it. */
  readonly link: Endpoint
  /** Threads that serve calls in batches; 0: the main thread does, without. */
  readonly threads: number
  readonly control: Endpoint
  readonly controlUrl: string
  readonly admin: Endpoint
  /** Sessions admitted at once. */
  readonly capacity: number
  /** How long a session may last. */
  readonly maxSessionSeconds: number
  readonly routeKeys: RouteKeyRing
  readonly controlKey: Uint8Array
  readonly store: { readonly url: string; readonly token: string }
  /** The voice AI; undefined is the embedded agent. */
  readonly backend: RealtimeTarget | undefined
  /** How long calls may go on after SIGTERM. */
  readonly drainSeconds: number
  readonly logLevel: LogLevel
  /** Has SIGUSR2 kill a media thread, for experiments. */
  readonly injectsFaults: boolean
}

/** Reads the configuration; throws a `ConfigError` that names every mistake. */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): TransceiverConfig {
  const environment = new Environment(variables)
  const config: TransceiverConfig = {
    nodeId: environment.text('FIRSTHOP_NODE_ID'),
    region: environment.text('FIRSTHOP_REGION'),
    latitude: environment.number('FIRSTHOP_LATITUDE', -90, 90),
    longitude: environment.number('FIRSTHOP_LONGITUDE', -180, 180),
    cluster: environment.integer('FIRSTHOP_CLUSTER', 0, 0xfff),
    transceiver: environment.integer('FIRSTHOP_TRANSCEIVER', 0, 0xf_ffff),
    link: environment.endpoint('FIRSTHOP_LINK'),
    threads: isBatchSupported()
      ? environment.integer('FIRSTHOP_THREADS', 0, MAX_LINK_PORTS + 1, availableParallelism())
      : 0,
    control: environment.endpoint('FIRSTHOP_CONTROL'),
    controlUrl: environment.url('FIRSTHOP_CONTROL_URL'),
    admin: environment.endpoint('FIRSTHOP_ADMIN'),
    capacity: environment.integer('FIRSTHOP_CAPACITY', 1, MAX_CAPACITY, 100),
    maxSessionSeconds: environment.integer('FIRSTHOP_MAX_SESSION_SECONDS', 1, 86_000, 3_600),
    routeKeys: environment.routeKeys('FIRSTHOP_ROUTE_KEYS'),
    controlKey: environment.key('FIRSTHOP_CONTROL_KEY', 32),
    store: {
      url: environment.url('UPSTASH_REDIS_REST_URL'),
      token: environment.text('UPSTASH_REDIS_REST_TOKEN'),
    },
    backend: readBackendConfig(environment),
    drainSeconds: environment.integer('FIRSTHOP_DRAIN_SECONDS', 0, 86_400, 0),
    logLevel: environment.oneOf('FIRSTHOP_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], 'info'),
    injectsFaults: environment.oneOf('FIRSTHOP_FAULTS', ['true', 'false'], 'false') === 'true',
  }
  environment.check()
  return config
}

/** Bound on sessions of one process. */
const MAX_CAPACITY = 20_000
