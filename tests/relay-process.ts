/** A relay on this machine, for tests that care about one or two of its settings. */

import { Child } from '../scripts/start/child.ts'

/** Where it listens. */
export interface RelayPorts {
  readonly client: number
  readonly link: number
  readonly admin: number
}

/**
 * Returns the environment of a relay at 0° N 0° E, whose keys are the `ROUTE_KEYS` of `relay-nodes/test-packets.ts`, and
 * whose store is nowhere, unless `own` says otherwise.
 */
export function relayEnvironment(
  { client, link, admin }: RelayPorts,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
    UPSTASH_REDIS_REST_TOKEN: 'token',
    FIRSTHOP_ROUTE_KEYS: `0:${'00'.repeat(16)}`,
    FIRSTHOP_NODE_ID: 'relay-1',
    FIRSTHOP_REGION: 'null-island',
    FIRSTHOP_LATITUDE: '0',
    FIRSTHOP_LONGITUDE: '0',
    FIRSTHOP_VIP: '127.0.0.1',
    FIRSTHOP_CLIENT_PORTS: String(client),
    FIRSTHOP_CLIENT_BIND: '127.0.0.1',
    FIRSTHOP_LINK: `127.0.0.1:${link}`,
    FIRSTHOP_ADMIN: `127.0.0.1:${admin}`,
    ...own,
  }
}

/** Returns the process of a relay, yet to be started; one that dies stays dead. */
export function relayProcess(
  environment: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => undefined,
): Child {
  return new Child('relay', process.execPath, ['relay-nodes/main.ts'], environment, {
    readyUrl: `http://${environment['FIRSTHOP_ADMIN'] ?? ''}/readyz`,
    onLine: (_, line) => onLine(line),
    supervise: false,
  })
}
