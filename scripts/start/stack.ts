/**
 * A whole Firsthop on one machine: store, two relays in two regions, a transceiver, and the Worker in workerd.
 *
 * `npm start` runs it on the documented ports, the tests on free ones. Every part is the real one; the store is
 * the embedded server of scripts/local-store. Relays and transceivers are processes of their own, so a test
 * can kill one and start it again under the same identity.
 */

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { startLocalStore } from '../local-store/server.ts'
import { API_KEYS_FILE, readKeysFile } from '../make-key.ts'
import { Child } from './child.ts'
import { freePorts } from './free-ports.ts'

/** Ports of a stack; each is taken on all interfaces or on loopback, as its part needs. */
export interface StackPorts {
  readonly store: number
  readonly worker: number
  readonly relays: readonly RelayPorts[]
  readonly transceiver: { readonly link: number; readonly control: number; readonly admin: number }
}

/** Ports of one relay. */
export interface RelayPorts {
  /** For clients, on UDP and on TCP. */
  readonly client: number
  readonly link: number
  readonly admin: number
}

/** A running stack. */
export interface Stack {
  /** Where the page and the API are. */
  readonly url: string
  /** The address that the relays advertise. */
  readonly address: string
  readonly ports: StackPorts
  readonly relays: readonly Child[]
  readonly transceiver: Child
  /** Environment that every node shares: store, keys. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** How a stack is started. */
export interface StackOptions {
  readonly ports: StackPorts
  /** Takes every line that a part prints. */
  readonly onLine: (part: string, line: string) => void
  /** Starts a part again when it dies by itself. */
  readonly supervise?: boolean
  /** Further environment of every node. */
  readonly environment?: Readonly<Record<string, string>>
  /** Threads of the transceiver, 1 when absent; 0 has its main thread serve calls without batches. */
  readonly transceiverThreads?: number
  /** The voice AI behind calls, without which the demo agent answers; only the transceiver is told. */
  readonly backend?: BackendChoice
  /** Where relays listen for clients; on loopback no browser finds them, and a test can put a network in between. */
  readonly clientBind?: string
  /** Runs the packages in this folder, as `npm run bundle` makes them, in place of the sources. */
  readonly packages?: string
  /** Where the API keys are listed; the developer's own unless a test has others. */
  readonly apiKeysFile?: string
}

/** A Realtime server: docs/backends.md. */
export interface BackendChoice {
  readonly url: string
  readonly key?: string
  /** Offers the binary subprotocol. */
  readonly takesOpus?: boolean
}

/** The ports in the documentation. */
export const DOCUMENTED_PORTS: StackPorts = {
  store: 8079,
  worker: 8787,
  relays: [
    { client: 3478, link: 7471, admin: 7470 },
    { client: 3479, link: 7473, admin: 7472 },
  ],
  transceiver: { link: 7481, control: 7480, admin: 7482 },
}

/** Finds free ports for a stack of its own. */
export async function freeStackPorts(): Promise<StackPorts> {
  const [store, worker, ca, la, aa, cb, lb, ab, link, control, admin] = (await freePorts(11)) as FixedPorts
  return {
    store,
    worker,
    relays: [
      { client: ca, link: la, admin: aa },
      { client: cb, link: lb, admin: ab },
    ],
    transceiver: { link, control, admin },
  }
}

/** Starts every part and resolves when calls can be placed. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { ports, onLine } = options
  const address = ownAddress()
  const store = await startLocalStore({ port: ports.store, token: LOCAL_STORE_TOKEN })
  const environment = { ...sharedEnvironment(ports), ...options.environment }
  const supervise = options.supervise ?? false
  const relays = ports.relays.map(
    (relay, index) =>
      new Child(
        `relay-${index + 1}`,
        process.execPath,
        [programOf('relay', options.packages)],
        { ...environment, ...relayEnvironment(relay, index, address, options.clientBind ?? '0.0.0.0') },
        { readyUrl: `http://127.0.0.1:${relay.admin}/readyz`, onLine, supervise },
      ),
  )
  const transceiver = new Child(
    'transceiver',
    process.execPath,
    [programOf('transceiver', options.packages)],
    {
      ...environment,
      ...transceiverEnvironment(ports.transceiver, options.transceiverThreads ?? 1),
      ...backendEnvironment(options.backend),
    },
    { readyUrl: `http://127.0.0.1:${ports.transceiver.admin}/readyz`, onLine, supervise },
  )
  const worker = workerProcess(options, environment)
  const children = [...relays, transceiver, worker]
  const stop = async () => {
    await Promise.all(children.map((child) => child.stop()))
    await store.close()
  }
  try {
    await Promise.all(children.map((child) => child.start()))
    await untilFleetIsSeen(`http://127.0.0.1:${ports.worker}`)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `http://127.0.0.1:${ports.worker}`, address, ports, relays, transceiver, environment, stop }
}

function programOf(kind: 'relay' | 'transceiver', packages: string | undefined): string {
  return packages === undefined ? `${kind}-nodes/main.ts` : `${packages}/${kind}/main.mjs`
}

/** Browsers refuse loopback as an ICE peer, so the relays advertise the machine's own address. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find((entry) => entry.family === 'IPv4' && !entry.internal)?.address ?? '127.0.0.1'
}

function sharedEnvironment(ports: StackPorts): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${ports.store}`,
    UPSTASH_REDIS_REST_TOKEN: LOCAL_STORE_TOKEN,
    FIRSTHOP_ROUTE_KEYS: `0:${randomBytes(16).toString('hex')}`,
    FIRSTHOP_CONTROL_KEY: randomBytes(32).toString('hex'),
  }
}

function relayEnvironment(
  ports: RelayPorts,
  index: number,
  address: string,
  clientBind: string,
): Record<string, string> {
  const place = PLACES[index % PLACES.length] ?? PLACES[0]
  return {
    ...place,
    FIRSTHOP_NODE_ID: `relay-${index + 1}`,
    FIRSTHOP_VIP: address,
    FIRSTHOP_CLIENT_PORTS: String(ports.client),
    FIRSTHOP_TCP_PORTS: String(ports.client),
    FIRSTHOP_CLIENT_BIND: clientBind,
    FIRSTHOP_LINK: `127.0.0.1:${ports.link}`,
    FIRSTHOP_THREADS: '1',
    FIRSTHOP_ADMIN: `127.0.0.1:${ports.admin}`,
  }
}

function transceiverEnvironment(ports: StackPorts['transceiver'], threads: number): Record<string, string> {
  return {
    ...PLACES[0],
    FIRSTHOP_NODE_ID: 'transceiver-1',
    FIRSTHOP_CLUSTER: '1',
    FIRSTHOP_TRANSCEIVER: '1',
    FIRSTHOP_LINK: `127.0.0.1:${ports.link}`,
    FIRSTHOP_CONTROL: `127.0.0.1:${ports.control}`,
    FIRSTHOP_CONTROL_URL: `http://127.0.0.1:${ports.control}`,
    FIRSTHOP_THREADS: String(threads),
    FIRSTHOP_CAPACITY: '100',
    FIRSTHOP_ADMIN: `127.0.0.1:${ports.admin}`,
  }
}

function backendEnvironment(backend: BackendChoice | undefined): Record<string, string> {
  if (backend === undefined) return {}
  return {
    FIRSTHOP_BACKEND_URL: backend.url,
    FIRSTHOP_BACKEND_KEY: backend.key ?? '',
    FIRSTHOP_BACKEND_OPUS: String(backend.takesOpus ?? false),
  }
}

/** The Worker's secrets go through a file, so that they do not stand in the process list. */
function workerProcess(
  { ports, onLine, packages, supervise = false, apiKeysFile = API_KEYS_FILE }: StackOptions,
  environment: Record<string, string>,
): Child {
  const folder = `${ROOT}.firsthop/worker-${ports.worker}`
  mkdirSync(folder, { recursive: true })
  const variables = {
    ...environment,
    FIRSTHOP_SECRET_KEYS: `1:${randomBytes(32).toString('hex')}`,
    FIRSTHOP_API_KEYS: `'${readKeysFile(apiKeysFile)}'`,
    FIRSTHOP_OPEN_DEMO: 'true',
    ENVIRONMENT: 'local',
  }
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(`${folder}/env`, lines.join(''), { mode: 0o600 })
  const inspector = ports.worker + 1000 < 65_536 ? ports.worker + 1000 : ports.worker - 1000
  return new Child(
    'worker',
    `${ROOT}node_modules/.bin/wrangler`,
    [
      'dev',
      ...(packages === undefined ? [] : [`${packages}/worker/index.js`, '--no-bundle']),
      '--ip',
      '127.0.0.1',
      '--port',
      String(ports.worker),
      '--inspector-port',
      String(inspector),
    ].concat([
      '--env-file',
      `${folder}/env`,
      '--persist-to',
      `${folder}/state`,
      '--show-interactive-dev-session',
      'false',
    ]),
    { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_HIDE_BANNER: 'true' },
    { readyUrl: `http://127.0.0.1:${ports.worker}/healthz`, onLine, supervise },
  )
}

/** The Worker reads the fleet with the first request and caches it, so the first may come before the nodes. */
async function untilFleetIsSeen(url: string): Promise<void> {
  const deadline = performance.now() + FLEET_WAIT
  for (;;) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined)
    if (response?.ok === true) return
    if (performance.now() > deadline) throw new Error('the Worker does not see the nodes in the store')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

type FixedPorts = [number, number, number, number, number, number, number, number, number, number, number]

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LOCAL_STORE_TOKEN = 'local-store'
/** How long the Worker may take to see the first heartbeats. */
const FLEET_WAIT = 20_000

/** Two places far enough apart that steering has something to choose between. */
const PLACES = [
  { FIRSTHOP_REGION: 'us-south', FIRSTHOP_LATITUDE: '32.8', FIRSTHOP_LONGITUDE: '-96.8' },
  { FIRSTHOP_REGION: 'eu-west', FIRSTHOP_LATITUDE: '50.1', FIRSTHOP_LONGITUDE: '8.7' },
] as const
