/** Reads the command line of `npm run explain-packet`. */

import { parseArgs } from 'node:util'
import { fromHex } from '#shared/bytes'
import { parseEndpoint } from '#shared/endpoint'
import type { Client, Endpoint } from '#shared/endpoint'
import { parseKeyList } from '#shared/keys/key-list'
import { epochNow } from '#shared/platform/clock'
import { aesBlockCipher } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'
import { RouteKeyRing } from '#shared/ufrag/route'
import type { Upstream } from '../../relay-nodes/core/upstreams.ts'
import type { ExplainContext } from './explain.ts'

/** How it is used. */
export const USAGE = `npm run explain-packet -- <hex> [options]

  --from <addr:port>       who sends it (default 192.0.2.1:50000)
  --listener <n>           the client port that it comes to (default 0)
  --tcp                    it comes on TCP
  --keys <id:hex,...>      the relay's route keys, as in FIRSTHOP_ROUTE_KEYS
  --upstream <c/t@addr:port>
                           a transceiver of the allow-table: cluster, transceiver, link; may be repeated
  --bound <c/t@addr:port>  this transceiver has bound the client
  --udp-ports <n>          client ports on UDP (default 2); --tcp-ports <n> on TCP, behind them (default 1)
  --at <time>              when it comes, as 2027-01-15T08:00:00Z (default now)
  --link                   it is a datagram of the link, to a relay
  --cookie <hex>           the relay's cookie (default: the one that it carries)
  --show                   show names, addresses and values, which belong to somebody's call
`

/** What is to be explained. */
export interface ExplainOptions {
  readonly packet: Uint8Array
  readonly from: Client
  readonly context: ExplainContext
  readonly isLink: boolean
  readonly cookie: Uint8Array | undefined
  readonly boundTo: Upstream | undefined
}

/** Reads the arguments; throws an error that says which of them cannot be read. */
export function readOptions(args: readonly string[]): ExplainOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string', default: '192.0.2.1:50000' },
      listener: { type: 'string', default: '0' },
      tcp: { type: 'boolean', default: false },
      keys: { type: 'string' },
      upstream: { type: 'string', multiple: true, default: [] },
      bound: { type: 'string' },
      'udp-ports': { type: 'string', default: '2' },
      'tcp-ports': { type: 'string', default: '1' },
      at: { type: 'string' },
      link: { type: 'boolean', default: false },
      cookie: { type: 'string' },
      show: { type: 'boolean', default: false },
    },
  })
  const { from, keys, upstream, bound, at, cookie } = values
  const listener = readNumber(values.listener, 255)
  return {
    packet: readHex(positionals.join('')),
    from: { ...readEndpoint(from), listener, transport: values.tcp ? 'tcp' : 'udp' },
    context: {
      routeKeys: keys === undefined ? undefined : readKeys(keys),
      upstreams: upstream.map(readUpstream),
      listeners: readNumber(values['udp-ports'], 128),
      tcpListeners: readNumber(values['tcp-ports'], 128),
      showsValues: values.show,
      now: at === undefined ? epochNow() : readTime(at),
    },
    isLink: values.link,
    cookie: cookie === undefined ? undefined : readHex(cookie),
    boundTo: bound === undefined ? undefined : readUpstream(bound),
  }
}

/** Spaces, colons and line ends may stand between the digits, as tools print them. */
function readHex(text: string): Uint8Array {
  const bytes = fromHex(text.replaceAll(/[\s:]/g, ''))
  if (bytes === undefined || text === '') throw new Error(`this is not hex: "${text.slice(0, 40)}"`)
  return bytes
}

function readEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (endpoint === undefined) throw new Error(`this is not an address and port: "${text}"`)
  return endpoint
}

function readUpstream(text: string): Upstream {
  const [, cluster, transceiver, link = ''] = /^(\d{1,4})\/(\d{1,7})@(.+)$/.exec(text) ?? []
  if (cluster === undefined || transceiver === undefined) {
    throw new Error(`this is not cluster/transceiver@addr:port: "${text}"`)
  }
  return { cluster: Number(cluster), transceiver: Number(transceiver), link: readEndpoint(link) }
}

function readKeys(text: string): RouteKeyRing {
  const keys = parseKeyList(text, 16, 14)
  if (typeof keys === 'string') throw new Error(`these are not route keys: ${keys}`)
  return new RouteKeyRing(
    keys.map(({ id, key }) => ({ id, cipher: aesBlockCipher(key) })),
    keys[0].id,
  )
}

function readNumber(text: string, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number <= most) return number
  throw new Error(`this is not a number up to ${most}: "${text}"`)
}

function readTime(text: string): EpochSeconds {
  const seconds = Math.floor(Date.parse(text) / 1_000)
  if (Number.isNaN(seconds)) throw new Error(`this is not a time: "${text}"`)
  return epochSecondsOf(seconds)
}
