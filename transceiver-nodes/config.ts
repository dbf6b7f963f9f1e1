/** The configuration of a transceiver, from environment variables: docs/operate.md. */

import type { Endpoint } from '#shared/endpoint'
import { Environment } from '#shared/platform/environment'
import type { LogLevel } from '#shared/platform/log'
import type { RouteKeyRing } from '#shared/ufrag/route'

/** Everything that a transceiver is told when it starts. */
export interface TransceiverConfig {
  readonly nodeId: string
  readonly region: string
  readonly latitude: number
  readonly longitude: number
  /** The ids that routes name this transceiver by. */
  readonly cluster: number
  readonly transceiver: number
  readonly link: Endpoint
  readonly control: Endpoint
  readonly controlUrl: string
  readonly admin: Endpoint
  /** Sessions admitted at once. */
  readonly capacity: number
  readonly routeKeys: RouteKeyRing
  readonly controlKey: Uint8Array
  readonly store: { readonly url: string; readonly token: string }
  /** How long calls may go on after SIGTERM. */
  readonly drainSeconds: number
  readonly logLevel: LogLevel
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
    control: environment.endpoint('FIRSTHOP_CONTROL'),
    controlUrl: environment.url('FIRSTHOP_CONTROL_URL'),
    admin: environment.endpoint('FIRSTHOP_ADMIN'),
    capacity: environment.integer('FIRSTHOP_CAPACITY', 1, MAX_CAPACITY, 100),
    routeKeys: environment.routeKeys('FIRSTHOP_ROUTE_KEYS'),
    controlKey: environment.key('FIRSTHOP_CONTROL_KEY', 32),
    store: {
      url: environment.url('UPSTASH_REDIS_REST_URL'),
      token: environment.text('UPSTASH_REDIS_REST_TOKEN'),
    },
    drainSeconds: environment.integer('FIRSTHOP_DRAIN_SECONDS', 0, 86_400, 0),
    logLevel: environment.oneOf('FIRSTHOP_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], 'info'),
  }
  environment.check()
  return config
}

/** Bound on sessions of one process. */
const MAX_CAPACITY = 20_000
