/** The configuration of a relay, from environment variables: docs/operate.md. */

import { availableParallelism } from 'node:os'
import { formatAddress, parseAddress } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { MAX_LINK_PORTS, MAX_VIP_PORTS, MAX_VIPS } from '#shared/fleet/record'
import { isBatchSupported } from '#shared/platform/batch-support'
import { Environment } from '#shared/platform/environment'
import type { LogLevel } from '#shared/platform/log'
import type { RouteKeyRing } from '#shared/ufrag/route'

/** Everything that a relay is told when it starts. */
export interface RelayNodeConfig {
  readonly nodeId: string
  readonly region: string
  readonly latitude: number
  readonly longitude: number
  /** The addresses that clients are given: one per family. */
  readonly vips: readonly string[]
  /** The address that the client ports are bound to. */
  readonly clientBind: string
  /** A listener is an index in this list. */
  readonly clientPorts: readonly number[]
  /** Client ports on TCP, whose listeners follow; may be none. */
  readonly tcpPorts: readonly number[]
  /** The first link; further threads, and TCP, take the ports that follow. */
  readonly link: Endpoint
  /** Threads with batched sockets; 0: one thread on dgram. */
  readonly threads: number
  /** Whether each thread stays on a processor of its own. */
  readonly pinsThreads: boolean
  /** Bound on flows kept by a thread, 60 bytes each; also the capacity that the relay tells the steering. */
  readonly maxFlows: number
  readonly admin: Endpoint
  readonly routeKeys: RouteKeyRing
  readonly store: { readonly url: string; readonly token: string }
  /** Where the fleet is remembered for a restart while the store is down; empty: nowhere. */
  readonly fleetFile: string
  /** How long packets are forwarded after SIGTERM. */
  readonly drainSeconds: number
  readonly logLevel: LogLevel
  /** Whether SIGUSR2 makes a thread crash: docs/relay.md, "Fault injection". */
  readonly injectsFaults: boolean
}

/** Reads the configuration; throws a `ConfigError` that names every mistake. */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): RelayNodeConfig {
  const environment = new Environment(variables)
  const config: RelayNodeConfig = {
    nodeId: readName(environment, 'FIRSTHOP_NODE_ID'),
    region: readName(environment, 'FIRSTHOP_REGION'),
    latitude: environment.number('FIRSTHOP_LATITUDE', -90, 90),
    longitude: environment.number('FIRSTHOP_LONGITUDE', -180, 180),
    vips: readVips(environment, 'FIRSTHOP_VIP'),
    clientBind: readAddress(environment, 'FIRSTHOP_CLIENT_BIND', '::'),
    clientPorts: readPorts(environment, 'FIRSTHOP_CLIENT_PORTS', environment.text('FIRSTHOP_CLIENT_PORTS')),
    tcpPorts: readPorts(environment, 'FIRSTHOP_TCP_PORTS', environment.optionalText('FIRSTHOP_TCP_PORTS')),
    link: readLink(environment, 'FIRSTHOP_LINK'),
    threads: isBatchSupported()
      ? environment.integer('FIRSTHOP_THREADS', 0, MAX_LINK_PORTS, availableParallelism())
      : 0,
    pinsThreads: environment.oneOf('FIRSTHOP_PIN_THREADS', ['true', 'false'], 'false') === 'true',
    maxFlows: environment.integer('FIRSTHOP_MAX_FLOWS', 1, 2 ** 24, DEFAULT_MAX_FLOWS),
    admin: environment.endpoint('FIRSTHOP_ADMIN'),
    routeKeys: environment.routeKeys('FIRSTHOP_ROUTE_KEYS'),
    store: {
      url: environment.url('UPSTASH_REDIS_REST_URL'),
      token: environment.text('UPSTASH_REDIS_REST_TOKEN'),
    },
    fleetFile: environment.optionalText('FIRSTHOP_FLEET_FILE'),
    drainSeconds: environment.integer('FIRSTHOP_DRAIN_SECONDS', 0, 86_400, 0),
    logLevel: environment.oneOf('FIRSTHOP_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], 'info'),
    injectsFaults: environment.oneOf('FIRSTHOP_FAULTS', ['true', 'false'], 'false') === 'true',
  }
  environment.check()
  return config
}

/** A name as the registry's records take it; any other would be ignored by every reader. */
function readName(environment: Environment, name: string): string {
  const text = environment.text(name)
  if (text !== '' && !/^[\w.-]{1,64}$/.test(text)) {
    environment.fault(name, 'must be up to 64 letters, digits, dots, dashes and underscores')
  }
  return text
}

function readVips(environment: Environment, name: string): string[] {
  const vips = splitList(environment.text(name)).map(canonicalAddress)
  if (vips.length > MAX_VIPS || vips.some(isUnusable) || hasDuplicates(vips)) {
    environment.fault(
      name,
      `must be up to ${MAX_VIPS} addresses that clients can reach, such as 203.0.113.7,2001:db8::7`,
    )
  }
  return vips
}

function readAddress(environment: Environment, name: string, fallback: string): string {
  const address = canonicalAddress(environment.text(name, fallback))
  if (address === '') environment.fault(name, 'must be an IP address')
  return address
}

function readPorts(environment: Environment, name: string, text: string): number[] {
  const ports = splitList(text).map(Number)
  const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65_536
  if (ports.length > MAX_VIP_PORTS || !ports.every(isPort) || hasDuplicates(ports)) {
    environment.fault(name, `must be up to ${MAX_VIP_PORTS} different ports, such as 3478,443`)
  }
  return ports
}

/** The link is advertised as it is bound, so it has to be one address that transceivers can reach. */
function readLink(environment: Environment, name: string): Endpoint {
  const link = environment.endpoint(name)
  if (link.port !== 0 && isUnusable(link.address)) environment.fault(name, 'must not be a wildcard address')
  return link
}

function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim())
}

function canonicalAddress(text: string): string {
  const bytes = parseAddress(text)
  return bytes === undefined ? '' : formatAddress(bytes)
}

function isUnusable(address: string): boolean {
  return address === '' || address === '0.0.0.0' || address === '::'
}

function hasDuplicates(list: readonly unknown[]): boolean {
  return new Set(list).size !== list.length
}

const DEFAULT_MAX_FLOWS = 2 ** 17
