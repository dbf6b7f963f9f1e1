/**
 * The relay's shell, whichever the machine allows: threads with batched sockets, or one thread on dgram.
 *
 * On Linux the threads carry UDP, and the main thread carries TCP by the dgram shell with a link of its own;
 * elsewhere, or with `FIRSTHOP_THREADS=0`, the dgram shell carries all. docs/relay.md.
 */

import { LinkHealth } from '#shared/link/link-health'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import type { Log } from '#shared/platform/log'
import { plainMetric } from '#shared/metrics'
import type { Metric } from '#shared/metrics'
import type { SpareWorkers } from '#shared/platform/spare-workers'
import type { RelayNodeConfig } from '../config.ts'
import { Relay } from '../core/relay.ts'
import type { Upstream } from '../core/upstreams.ts'
import { startDgramRelay } from './dgram-relay.ts'
import type { DgramRelay } from './dgram-relay.ts'
import { portMetrics, relayMetrics } from './relay-metrics.ts'
import { RelayThreads } from './relay-threads.ts'
import { tcpMetrics } from './tcp-metrics.ts'
import { threadConfigOf } from './thread-config.ts'
import type { SharedSecrets } from './thread-config.ts'
import type { ThreadCounts } from './thread-counts.ts'

/** What a shell is started with. */
export interface ForwardingOptions extends SharedSecrets {
  readonly config: RelayNodeConfig
  /** The fleet's transceivers, and flows to know before the first packet comes. */
  readonly upstreams: readonly Upstream[]
  readonly flowRecords: Int32Array
  /** Takes what a relay tells and asks about flows; `reply` answers it. */
  readonly onRecords: (records: Int32Array, reply: (records: Int32Array) => void) => void
  /** Threads that load already; absent: they begin when the shell does. */
  readonly spares?: SpareWorkers | undefined
  readonly log: Log
}

/** A shell at work. */
export interface Forwarding {
  /** What every relay of this process has counted, at most a second old. */
  readonly counts: () => Pick<ThreadCounts, 'counters' | 'drops' | 'flows' | 'upstreams'>
  /** Takes the fleet's transceivers. */
  readonly handleUpstreams: (upstreams: readonly Upstream[]) => void
  /** Takes flows that nobody asked for. */
  readonly handleFlowRecords: (records: Int32Array) => void
  readonly metrics: () => Metric[]
  /** Has a thread crash, by its index; without threads nothing does. */
  readonly killThread: (index: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Binds every port and starts forwarding; rejects, with nothing left open, if one of them cannot be bound. */
export function startForwarding(options: ForwardingOptions): Promise<Forwarding> {
  return options.config.threads > 0 ? startThreads(options) : startSingle(options)
}

/** Returns the ports of the links besides the first: one for each further thread, and one for TCP. */
export function furtherLinkPorts({ link, threads, tcpPorts }: RelayNodeConfig): number[] {
  const count = threads === 0 ? 0 : threads - 1 + Math.min(1, tcpPorts.length)
  return Array.from({ length: count }, (_, index) => link.port + 1 + index)
}

async function startSingle(options: ForwardingOptions): Promise<Forwarding> {
  const { config } = options
  const single = await startOnDgram(options, config.clientPorts, config.link.port)
  return {
    counts: () => single.relay,
    handleUpstreams: single.handleUpstreams,
    handleFlowRecords: single.handleFlowRecords,
    metrics: () => [
      ...relayMetrics(single.relay),
      ...portMetrics(single.shell.clientPorts, single.shell.linkPort),
      ...tcpMetrics(single.shell.tcpPorts.counts),
    ],
    killThread: async () => {},
    close: () => single.shell.close(),
  }
}

async function startThreads(options: ForwardingOptions): Promise<Forwarding> {
  const { config, onRecords, log } = options
  const [first, ...further] = [config.link.port, ...furtherLinkPorts(config)]
  const linkPorts = [first, ...further.slice(0, config.threads - 1)]
  const threads = await RelayThreads.start({
    relay: threadConfigOf(config, options),
    clients: config.clientPorts.map((port) => ({ address: config.clientBind, port })),
    links: linkPorts.map((port) => ({ address: config.link.address, port })),
    pins: config.pinsThreads,
    upstreams: options.upstreams,
    flowRecords: options.flowRecords,
    onRecords,
    spares: options.spares,
    log,
  })
  const tcpLinkPort = further.at(config.threads - 1)
  const tcp = tcpLinkPort === undefined ? undefined : await startOnDgram(options, [], tcpLinkPort)
  const counts = () => {
    const sum = threads.counts()
    if (tcp !== undefined) sum.addRelay(tcp.relay)
    return sum
  }
  return {
    counts,
    handleUpstreams: (upstreams) => {
      threads.handleUpstreams(upstreams)
      tcp?.handleUpstreams(upstreams)
    },
    handleFlowRecords: (records) => threads.broadcastRecords(records),
    metrics: () => [
      ...relayMetrics(counts()),
      ...threadMetrics(threads),
      ...(tcp === undefined ? [] : tcpMetrics(tcp.shell.tcpPorts.counts)),
    ],
    killThread: (index) => threads.killThread(index),
    close: async () => {
      await Promise.all([threads.stop(), tcp?.shell.close()])
    },
  }
}

interface DgramForwarding {
  readonly relay: Relay
  readonly shell: DgramRelay
  readonly handleUpstreams: (upstreams: readonly Upstream[]) => void
  readonly handleFlowRecords: (records: Int32Array) => void
}

/** One relay on the main thread, for TCP and for the UDP ports in `clientPorts`. */
async function startOnDgram(
  options: ForwardingOptions,
  clientPorts: readonly number[],
  linkPort: number,
): Promise<DgramForwarding> {
  const { config, cookie, onRecords, log } = options
  const relay = new Relay(
    {
      ...threadConfigOf(config, options),
      tcpListeners: config.tcpPorts.length,
      carriesUdp: clientPorts.length > 0,
      routeKeys: config.routeKeys,
      recovers: true,
      health: new LinkHealth(randomBytes),
    },
    epochNow(),
    monotonicNow(),
  )
  const handleUpstreams = (upstreams: readonly Upstream[]) => {
    const refused = relay.handleUpstreams(upstreams, monotonicNow())
    if (refused > 0) log.warn('There are more transceivers than this relay can know', { refused })
  }
  const handleFlowRecords = (records: Int32Array) => relay.handleFlowRecords(records, monotonicNow())
  handleUpstreams(options.upstreams)
  if (clientPorts.length > 0) handleFlowRecords(options.flowRecords)
  const shell = await startDgramRelay({
    relay,
    cookie,
    clients: clientPorts.map((port) => ({ address: config.clientBind, port })),
    tcpClients: config.tcpPorts.map((port) => ({ address: config.clientBind, port })),
    link: { address: config.link.address, port: linkPort },
    onRecords: (records) => onRecords(records, handleFlowRecords),
  })
  return { relay, shell, handleUpstreams, handleFlowRecords }
}

function threadMetrics(threads: RelayThreads): Metric[] {
  const { kernelDrops, refused, truncated, linkDatagrams } = threads.counts()
  return [
    plainMetric('firsthop_relay_thread_deaths_total', 'counter', 'Threads that died', threads.deaths),
    plainMetric(
      'firsthop_relay_kernel_drops_total',
      'counter',
      'Datagrams that the kernel had no room for',
      kernelDrops,
    ),
    plainMetric(
      'firsthop_relay_send_refusals_total',
      'counter',
      'Datagrams that the kernel did not send',
      refused,
    ),
    plainMetric('firsthop_relay_truncated_total', 'counter', 'Datagrams longer than a slot', truncated),
    plainMetric('firsthop_relay_link_sent_datagrams_total', 'counter', 'Link datagrams sent', linkDatagrams),
    plainMetric(
      'firsthop_relay_receive_buffer_bytes',
      'gauge',
      'The smallest receive buffer that the kernel granted',
      threads.receiveBufferBytes,
    ),
  ]
}
